/* hub_contents: what a backup holds and what it leaves out, as people and programs are told of it. */
#ifndef CTAI_HUB_CONTENTS_H
#define CTAI_HUB_CONTENTS_H

#include <jansson.h>

#include "backup_manifest.h"

/* The summary's common part; NULL when memory is short. The caller's to add to. */
json_t *hub_contents_json(const backup_manifest *manifest, const char *file);
void hub_contents_tell(const backup_manifest *manifest, FILE *to);

#endif
