/* doctor_machine: the checks of the machine that both programs have. See doctor.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"
#include "oserror.h"
#include "vault.h"

enum {
    REMEDY_MAX = PATH_MAX + 200,
    NFS_MAGIC = 0x6969, CIFS_MAGIC = (int)0xFF534D42, SMB2_MAGIC = (int)0xFE534D42, TMPFS_MAGIC = 0x01021994,
    PROBE_BYTES = 16 * 1024,
};
static const double mebibyte = 1024.0 * 1024.0;
static const time_t oldest = 1767225600; /* 1 January 2026: no program of this version is older */

/* A file or folder that must be ours alone. */
static void look_at(doctor *self, const char *path, const struct stat *is)
{
    char remedy[REMEDY_MAX];
    if (is->st_uid != geteuid()) {
        snprintf(remedy, sizeof remedy, "rendez-le au propriétaire du dossier : chown %lu %s", (unsigned long)geteuid(), path);
        doctor_say(self, DOCTOR_WRONG, path, remedy, "ce fichier appartient à un autre utilisateur (numéro %lu)",
                   (unsigned long)is->st_uid);
    }
    if (is->st_mode & 077) {
        snprintf(remedy, sizeof remedy, "chmod go= %s ; demandez-vous qui a pu le lire entre-temps", path);
        doctor_say(self, DOCTOR_WRONG, path, remedy, "d’autres utilisateurs ont des droits sur ce fichier (mode %04o)",
                   (unsigned)is->st_mode & 07777);
    }
    if (S_ISREG(is->st_mode) && is->st_nlink > 1)
        doctor_say(self, DOCTOR_DOUBT, path, "cherchez l’autre nom (find / -xdev -samefile …) et supprimez-le",
                   "ce fichier a un second nom ailleurs sur le disque");
}

/* Who can write in a folder above the home can put another home in its place. */
static void look_above(doctor *self, const char *home)
{
    char path[PATH_MAX];
    struct stat is;
    if (!realpath(home, path))
        return;
    for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
        *(slash == path ? slash + 1 : slash) = '\0';
        if (stat(path, &is) != 0)
            return;
        if (is.st_uid != 0 && is.st_uid != geteuid())
            doctor_say(self, DOCTOR_DOUBT, path, "mettez le dossier du programme sous un dossier de root, ou de son propriétaire",
                       "un dossier qui contient celui du programme appartient à un autre utilisateur, qui peut le remplacer");
        else if ((is.st_mode & 022) && !(is.st_mode & S_ISVTX))
            doctor_say(self, DOCTOR_WRONG, path, "retirez à d’autres le droit d’y écrire (chmod go-w)",
                       "d’autres utilisateurs peuvent remplacer le dossier du programme (mode %04o)", (unsigned)is.st_mode & 07777);
        if (slash == path)
            return;
    }
}

void doctor_files(doctor *self, const char *home)
{
    struct stat is;
    DIR *entries = opendir(home);
    if (!entries) {
        bool missing = errno == ENOENT;
        doctor_say(self, DOCTOR_WRONG, home,
                   missing ? "commencez par la commande « init », ou indiquez le bon dossier avec --home"
                           : "lancez la commande sous l’identité du propriétaire du dossier, ou en root",
                   "le dossier ne s’ouvre pas : %s", oserror_text(errno));
        return;
    }
    if (fstat(dirfd(entries), &is) == 0)
        look_at(self, home, &is);
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        char path[PATH_MAX];
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0
            || snprintf(path, sizeof path, "%s/%s", home, name) >= (int)sizeof path
            || fstatat(dirfd(entries), name, &is, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(is.st_mode) || S_ISDIR(is.st_mode))
            look_at(self, path, &is);
        else if (S_ISLNK(is.st_mode))
            doctor_say(self, DOCTOR_DOUBT, path, "remplacez-le par le fichier lui-même", "ceci est un lien : le programme n’en suit pas ici");
    }
    closedir(entries);
    look_above(self, home);
}

static void look_at_memory(doctor *self)
{
    struct rlimit limit;
    void *probe = vault_new(PROBE_BYTES);
    if (vault_unlocked())
        doctor_say(self, DOCTOR_DOUBT, "RLIMIT_MEMLOCK", "relevez la limite de mémoire verrouillée (LimitMEMLOCK=8M dans l’unité systemd, ou ulimit -l)",
                   "le système ne laisse pas verrouiller les clés en mémoire : elles pourraient passer sur le disque d’échange");
    vault_destroy(&probe, PROBE_BYTES);
#if !defined(__SANITIZE_ADDRESS__)
    if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max != 0 || prctl(PR_GET_DUMPABLE) != 0)
        doctor_say(self, DOCTOR_WRONG, "RLIMIT_CORE", "lancez le programme lui-même, sans débogueur ni enveloppe",
                   "le système n’a pas fermé la mémoire du programme aux fichiers core");
#else
    (void)limit;
#endif
}

void doctor_limits(doctor *self, unsigned long files_wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < files_wanted)
        doctor_say(self, DOCTOR_DOUBT, "RLIMIT_NOFILE", "relevez la limite (LimitNOFILE= dans l’unité systemd, ou ulimit -n)",
                   "le programme ne peut ouvrir que %lu fichiers et connexions ; il en faut %lu pour être à l’aise",
                   (unsigned long)limit.rlim_max, files_wanted);
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        doctor_say(self, DOCTOR_DOUBT, "RLIMIT_FSIZE", "ôtez la limite (LimitFSIZE=infinity, ou ulimit -f unlimited)",
                   "un fichier ne peut pas dépasser %.0f Mio", (double)limit.rlim_cur / mebibyte);
    look_at_memory(self);
}

/* The kind of a file system on which locks or fsync cannot be relied on; NULL: none of them. */
static const char *doubtful_kind(const char *home)
{
    struct statfs is;
    if (statfs(home, &is) != 0)
        return NULL;
    switch ((int)is.f_type) {
    case NFS_MAGIC:
        return "le dossier est sur un disque en réseau (NFS), où verrous et écritures ne sont pas sûrs";
    case CIFS_MAGIC:
    case SMB2_MAGIC:
        return "le dossier est sur un partage en réseau (SMB), où verrous et écritures ne sont pas sûrs";
    case TMPFS_MAGIC:
        return "le dossier est en mémoire (tmpfs) : tout se perd à l’arrêt de la machine";
    }
    return NULL;
}

void doctor_disk(doctor *self, const char *home)
{
    struct statvfs is;
    if (statvfs(home, &is) != 0) {
        doctor_say(self, DOCTOR_WRONG, home, "voyez le disque et ses droits", "le disque ne se laisse pas interroger : %s", oserror_text(errno));
        return;
    }
    double unit = is.f_frsize ? (double)is.f_frsize : 1, free_bytes = (double)is.f_bavail * unit, all = (double)is.f_blocks * unit;
    bool tight = free_bytes < 100 * mebibyte, near = free_bytes < 1024 * mebibyte || free_bytes < all / 20;
    if (is.f_flag & ST_RDONLY)
        doctor_say(self, DOCTOR_WRONG, home, "remontez le disque en écriture ; voyez le journal du système (dmesg)",
                   "le disque est en lecture seule");
    if (tight || near)
        doctor_say(self, tight ? DOCTOR_WRONG : DOCTOR_DOUBT, home, "libérez de la place, ou agrandissez le disque",
                   "il ne reste que %.0f Mio de libres sur %.0f", free_bytes / mebibyte, all / mebibyte);
    if (is.f_files > 0 && (is.f_favail < 1000 || is.f_favail < is.f_files / 50))
        doctor_say(self, is.f_favail < 100 ? DOCTOR_WRONG : DOCTOR_DOUBT, home,
                   "supprimez des fichiers inutiles, ou refaites le système de fichiers avec plus d’inodes",
                   "il ne reste que %llu inodes (fichiers possibles) sur %llu", (unsigned long long)is.f_favail,
                   (unsigned long long)is.f_files);
    const char *kind = doubtful_kind(home);
    if (kind)
        doctor_say(self, DOCTOR_DOUBT, home, "mettez le dossier sur un disque de la machine", "%s", kind);
    if (!tight && !near)
        doctor_fine(self, "%.0f Mio de libres sur %.0f", free_bytes / mebibyte, all / mebibyte);
}

void doctor_clock(doctor *self)
{
    struct timex state = {.modes = 0};
    if (time(NULL) < oldest) {
        doctor_say(self, DOCTOR_WRONG, NULL, "mettez la machine à l’heure (timedatectl set-ntp true)",
                   "l’horloge est fausse : elle marque une date d’avant ce programme");
        return;
    }
    int kept = adjtimex(&state);
    if (kept == TIME_ERROR || (kept >= 0 && (state.status & STA_UNSYNC)))
        doctor_say(self, DOCTOR_DOUBT, NULL, "installez et activez un service de temps (chrony, systemd-timesyncd)",
                   "rien ne tient l’horloge de la machine à l’heure");
}

void doctor_clock_against(doctor *self, double theirs, const char *whose)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double apart = fabs((double)now.tv_sec + (double)now.tv_nsec / 1e9 - theirs);
    if (apart > 5)
        doctor_say(self, apart > 120 ? DOCTOR_WRONG : DOCTOR_DOUBT, NULL, "mettez les deux machines à l’heure (timedatectl set-ntp true)",
                   "l’horloge de cette machine et celle %s diffèrent de %.0f secondes", whose, apart);
}
