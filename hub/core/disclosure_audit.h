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
 * Attacks a variable, if it is open, over the whole of an extent that has no department: in larger and larger scopes around
 * it, until it is shown to keep enough values or there is nothing more around it. Notes in it, and in the others, what
 * values were found. Nothing is done twice in its family between changes of masks. Not REFUSED.
 */
disclosure_outcome disclosure_audit_variable(disclosure_scope *scope, const disclosure_extent *extent, unsigned variable)
    __attribute__((warn_unused_result));

/* The same for all of the extent: what stays open is not possible there, or was not found in a bounded search. */
disclosure_outcome disclosure_audit_run(disclosure_scope *scope, const disclosure_extent *extent)
    __attribute__((warn_unused_result));

/*
 * Does a variable of an earlier release keep enough values by the earlier releases alone? If not, this release is not
 * what made it known, and it is excused.
 */
disclosure_outcome disclosure_audit_excuse(disclosure_scope *scope, unsigned variable) __attribute__((warn_unused_result));

#endif
