/* oserror: what the operating system's errors mean, in French, whatever the locale. */
#ifndef CTAI_OSERROR_H
#define CTAI_OSERROR_H

/* A sentence's text without the full stop; static. Unknown errors: "erreur du système". */
const char *oserror_text(int error);

#endif
