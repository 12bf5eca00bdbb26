/*
 * disclosure_audit: the auditor: looks for possible tables, whole numbers that agree with all that is published, until each
 * number that must not be known has several values among them. What it reports as shown is proved by such tables; what
 * it leaves open may or may not be safe.
 */
#ifndef CTAI_DISCLOSURE_AUDIT_H
#define CTAI_DISCLOSURE_AUDIT_H

#include "disclosure_scope.h"

/* Is any variable of the extent still open? */
bool disclosure_audit_is_open(const disclosure_model *model, const disclosure_extent *extent);

/*
 * Attacks the open variables of an extent, and notes in them what values were found. deep: also one by one, so that what
 * stays open is not possible in the extent (or was not found in a bounded search). Not REFUSED.
 */
disclosure_outcome disclosure_audit_run(disclosure_scope *scope, const disclosure_extent *extent, bool deep)
    __attribute__((warn_unused_result));

/*
 * Does a variable of an earlier release keep enough values by the earlier releases alone? If not, this release is not
 * what made it known, and it is excused.
 */
disclosure_outcome disclosure_audit_excuse(disclosure_scope *scope, unsigned variable) __attribute__((warn_unused_result));

#endif
