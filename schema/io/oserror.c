/* oserror: see the header. strerror follows the locale, and servers rarely have a French one. */
#include "oserror.h"

#include <errno.h>

const char *oserror_text(int error)
{
    switch (error) {
    case ENOENT: return "ce fichier ou ce dossier n’existe pas";
    case EACCES: return "les droits du système ne le permettent pas";
    case EPERM: return "le système le refuse";
    case EISDIR: return "c’est un dossier, pas un fichier";
    case ENOTDIR: return "un élément du chemin n’est pas un dossier";
    case ENOTEMPTY: return "le dossier n’est pas vide";
    case EEXIST: return "ce nom existe déjà";
    case ELOOP: return "le chemin passe par trop de liens symboliques";
    case ENAMETOOLONG: return "le nom est trop long";
    case ENOSPC: return "il n’y a plus de place sur le disque";
    case EDQUOT: return "le quota de disque est atteint";
    case EFBIG: return "le fichier est trop gros";
    case EROFS: return "le disque est en lecture seule";
    case EIO: return "le disque a signalé une erreur";
    case EMFILE:
    case ENFILE: return "trop de fichiers sont ouverts";
    case ENOMEM: return "la mémoire manque";
    case ENXIO:
    case ENODEV: return "ce périphérique n’est pas utilisable";
    case ETXTBSY:
    case EBUSY: return "le fichier est en cours d’utilisation";
    case EBADF: return "la sortie est fermée";
    case EPIPE: return "le programme qui lisait s’est arrêté";
    case EINVAL: return "ce n’est pas un fichier ordinaire";
    case EBADMSG: return "le contenu est abîmé ou incomplet";
    case ETIMEDOUT: return "le délai est dépassé";
    default: return "erreur du système";
    }
}
