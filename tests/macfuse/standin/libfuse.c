// A stand-in for macFUSE's libfuse 3 and for the few calls of macOS: speaks to its user as they do (their
// structs, error numbers and manners), and to this machine's libfuse on the other side, so that the code
// for macOS makes real mounts on Linux. Its manners are those of macFUSE 5.3: no descriptor; the mount is
// made when the first request is waited for; a request lies in memory of the library's own. What macFUSE
// would take ill ends the program, with a word.
//
// The structs are written down here a second time, as C has them: no number comes from ffi/.

#define _GNU_SOURCE
#define FUSE_USE_VERSION 31
// These have other structs here than in the header of this machine.
#define fuse_session_new_versioned their_fuse_session_new_versioned
#define fuse_session_mount their_fuse_session_mount
#define fuse_session_fd their_fuse_session_fd
#define fuse_session_receive_buf their_fuse_session_receive_buf
#define fuse_session_process_buf their_fuse_session_process_buf
#define fuse_session_exit their_fuse_session_exit
#define fuse_session_unmount their_fuse_session_unmount
#define fuse_session_destroy their_fuse_session_destroy
#define fuse_reply_entry their_fuse_reply_entry
#define fuse_reply_attr their_fuse_reply_attr
#define fuse_reply_open their_fuse_reply_open
#define fuse_reply_statfs their_fuse_reply_statfs
#include <fuse3/fuse_lowlevel.h>
#undef fuse_session_new_versioned
#undef fuse_session_mount
#undef fuse_session_fd
#undef fuse_session_receive_buf
#undef fuse_session_process_buf
#undef fuse_session_exit
#undef fuse_session_unmount
#undef fuse_session_destroy
#undef fuse_reply_entry
#undef fuse_reply_attr
#undef fuse_reply_open
#undef fuse_reply_statfs
#undef fuse_session_new
#include <dlfcn.h>
#include <errno.h>
#include <mntent.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static void wrong(const char *what) {
  fprintf(stderr, "stand-in: wrong: %s\n", what);
  fflush(stderr);
  abort();
}

// macOS: sys/stat.h with 64-bit inode numbers, sys/statvfs.h.

struct darwin_timespec {
  int64_t sec;
  int64_t nsec;
};

struct darwin_stat {
  int32_t dev;
  uint16_t mode;
  uint16_t nlink;
  uint64_t ino;
  uint32_t uid;
  uint32_t gid;
  int32_t rdev;
  struct darwin_timespec access, modify, change, birth;
  int64_t size;
  int64_t blocks;
  int32_t blksize;
  uint32_t flags;
  uint32_t gen;
  int32_t spare;
  int64_t spares[2];
};

struct darwin_statvfs {
  uint64_t bsize;
  uint64_t frsize;
  uint32_t blocks, bfree, bavail, files, ffree, favail;
  uint64_t fsid;
  uint64_t flag;
  uint64_t namemax;
};

// macOS: sys/mount.h with 64-bit inode numbers.
struct darwin_mount {
  uint32_t bsize;
  int32_t iosize;
  uint64_t blocks, bfree, bavail, files, ffree;
  int32_t fsid[2];
  uint32_t owner, type, flags, fssubtype;
  char fstypename[16];
  char mntonname[1024];
  char mntfromname[1024];
  uint32_t flags_ext;
  uint32_t reserved[7];
};

// macFUSE's libfuse 3: fuse_lowlevel.h, fuse_common.h.

struct darwin_entry {
  uint64_t ino;
  uint64_t generation;
  struct darwin_stat attr;
  double attr_timeout;
  double entry_timeout;
};

struct darwin_file {
  int32_t flags;
  uint32_t writepage : 1, direct_io : 1, keep_cache : 1, flush : 1,
      nonseekable : 1, flock_release : 1, cache_readdir : 1, noflush : 1,
      parallel_direct_writes : 1, padding : 23;
  uint32_t padding2, padding3;
  uint64_t fh;
  uint64_t lock_owner;
  uint32_t poll_events;
  int32_t backing_id;
  uint64_t compat_flags;
  uint64_t reserved[2];
};

struct darwin_version {
  uint32_t major, minor, hotfix;
  uint32_t extensions : 1, padding : 31;
};

struct darwin_buf {
  size_t size;
  int flags;
  void *mem;
  int fd;
  int64_t pos;
  size_t mem_size;
  void *msg;
  void *mem_orig;
};

typedef void (*with_file)(fuse_req_t, uint64_t, struct darwin_file *);
typedef void (*with_range)(fuse_req_t, uint64_t, size_t, int64_t,
                           struct darwin_file *);

struct darwin_ops {
  void (*init)(void *, struct fuse_conn_info *);
  void (*destroy)(void *);
  void (*lookup)(fuse_req_t, uint64_t, const char *);
  void (*forget)(fuse_req_t, uint64_t, uint64_t);
  with_file getattr;
  void *setattr;
  void (*readlink)(fuse_req_t, uint64_t);
  void *mknod;
  void (*mkdir)(fuse_req_t, uint64_t, const char *, uint16_t);
  void *unlink, *rmdir, *symlink, *rename, *link;
  with_file open;
  with_range read;
  void *write, *flush;
  with_file release;
  void *fsync;
  with_file opendir;
  with_range readdir;
  with_file releasedir;
  void *fsyncdir;
  void (*statfs)(fuse_req_t, uint64_t);
  void *setxattr;
  void (*getxattr)(fuse_req_t, uint64_t, const char *, size_t, uint32_t);
  void (*listxattr)(fuse_req_t, uint64_t, size_t);
  void *removexattr;
  void (*access)(fuse_req_t, uint64_t, int);
  void *create, *getlk, *setlk, *bmap, *ioctl, *poll, *write_buf,
      *retrieve_reply, *forget_multi, *flock, *fallocate;
  void *readdirplus;
};

// This machine's libfuse.

struct real_version {
  uint32_t major, minor, hotfix, padding;
};

static struct {
  void *library;
  struct fuse_session *(*make_versioned)(struct fuse_args *,
                                         const struct fuse_lowlevel_ops *,
                                         size_t, struct real_version *, void *);
  struct fuse_session *(*make)(struct fuse_args *,
                               const struct fuse_lowlevel_ops *, size_t,
                               void *);
  int (*mount)(struct fuse_session *, const char *);
  int (*receive)(struct fuse_session *, struct fuse_buf *);
  void (*process)(struct fuse_session *, const struct fuse_buf *);
  void (*exit)(struct fuse_session *);
  void (*unmount)(struct fuse_session *);
  void (*destroy)(struct fuse_session *);
  void *(*userdata)(fuse_req_t);
  int (*err)(fuse_req_t, int);
  void (*none)(fuse_req_t);
  int (*buf)(fuse_req_t, const char *, size_t);
  int (*iov)(fuse_req_t, const struct iovec *, int);
  int (*entry)(fuse_req_t, const struct fuse_entry_param *);
  int (*attr)(fuse_req_t, const struct stat *, double);
  int (*open)(fuse_req_t, const struct fuse_file_info *);
  int (*statfs)(fuse_req_t, const struct statvfs *);
  int (*xattr)(fuse_req_t, size_t);
} real;

static void *find(const char *name) {
  void *symbol = dlsym(real.library, name);
  if (symbol == NULL) wrong(name);
  return symbol;
}

__attribute__((constructor)) static void open_real(void) {
  for (int version = 4; version >= 3 && real.library == NULL; version--) {
    char name[] = "libfuse3.so.0";
    name[sizeof(name) - 2] = '0' + version;
    real.library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  }
  if (real.library == NULL) wrong("this machine has no libfuse3");
  real.make_versioned = dlsym(real.library, "fuse_session_new_versioned");
  if (real.make_versioned == NULL) real.make = find("fuse_session_new");
  real.mount = find("fuse_session_mount");
  real.receive = find("fuse_session_receive_buf");
  real.process = find("fuse_session_process_buf");
  real.exit = find("fuse_session_exit");
  real.unmount = find("fuse_session_unmount");
  real.destroy = find("fuse_session_destroy");
  real.userdata = find("fuse_req_userdata");
  real.err = find("fuse_reply_err");
  real.none = find("fuse_reply_none");
  real.buf = find("fuse_reply_buf");
  real.iov = find("fuse_reply_iov");
  real.entry = find("fuse_reply_entry");
  real.attr = find("fuse_reply_attr");
  real.open = find("fuse_reply_open");
  real.statfs = find("fuse_reply_statfs");
  real.xattr = find("fuse_reply_xattr");
}

// Sessions.

struct session {
  struct fuse_session *real;
  struct darwin_ops ops;
  char *path;
  int mounted;
};

static struct darwin_ops *ops_of(fuse_req_t req) {
  return &((struct session *)real.userdata(req))->ops;
}

static struct darwin_file file_of(const struct fuse_file_info *fi) {
  struct darwin_file file = {0};
  file.flags = fi->flags;
  file.fh = fi->fh;
  return file;
}

static void on_init(void *data, struct fuse_conn_info *conn) {
  struct session *s = data;
  s->ops.init(data, conn);
}

static void on_lookup(fuse_req_t req, fuse_ino_t node, const char *name) {
  ops_of(req)->lookup(req, node, name);
}

static void on_forget(fuse_req_t req, fuse_ino_t node, uint64_t count) {
  ops_of(req)->forget(req, node, count);
}

static void on_getattr(fuse_req_t req, fuse_ino_t node,
                       struct fuse_file_info *fi) {
  (void)fi;
  ops_of(req)->getattr(req, node, NULL);
}

static void on_readlink(fuse_req_t req, fuse_ino_t node) {
  ops_of(req)->readlink(req, node);
}

static void on_mkdir(fuse_req_t req, fuse_ino_t node, const char *name,
                     mode_t mode) {
  ops_of(req)->mkdir(req, node, name, mode);
}

#define WITH_FILE(name)                                                 \
  static void on_##name(fuse_req_t req, fuse_ino_t node,                \
                        struct fuse_file_info *fi) {                    \
    struct darwin_file file = file_of(fi);                              \
    ops_of(req)->name(req, node, &file);                                \
    memset(&file, 0xee, sizeof file);                                   \
  }

WITH_FILE(open)
WITH_FILE(release)
WITH_FILE(opendir)
WITH_FILE(releasedir)

#define WITH_RANGE(name)                                                \
  static void on_##name(fuse_req_t req, fuse_ino_t node, size_t size,   \
                        off_t offset, struct fuse_file_info *fi) {      \
    struct darwin_file file = file_of(fi);                              \
    ops_of(req)->name(req, node, size, offset, &file);                  \
    memset(&file, 0xee, sizeof file);                                   \
  }

WITH_RANGE(read)
WITH_RANGE(readdir)

static void on_statfs(fuse_req_t req, fuse_ino_t node) {
  ops_of(req)->statfs(req, node);
}

static void on_getxattr(fuse_req_t req, fuse_ino_t node, const char *name,
                        size_t size) {
  ops_of(req)->getxattr(req, node, name, size, 0);
}

static void on_listxattr(fuse_req_t req, fuse_ino_t node, size_t size) {
  ops_of(req)->listxattr(req, node, size);
}

static void on_access(fuse_req_t req, fuse_ino_t node, int mask) {
  ops_of(req)->access(req, node, mask);
}

static const struct fuse_lowlevel_ops real_ops = {
    .init = on_init,         .lookup = on_lookup,
    .forget = on_forget,     .getattr = on_getattr,
    .readlink = on_readlink, .mkdir = on_mkdir,
    .open = on_open,         .read = on_read,
    .release = on_release,   .opendir = on_opendir,
    .readdir = on_readdir,   .releasedir = on_releasedir,
    .statfs = on_statfs,     .getxattr = on_getxattr,
    .listxattr = on_listxattr, .access = on_access,
};

// The options that macFUSE knows; a volume's name is none of Linux's.
static char *translate_options(const char *given) {
  static const char *known[] = {"ro", "default_permissions", "allow_other",
                                "fsname=", "volname="};
  char *words = strdup(given), *result = calloc(1, 2 * strlen(given) + 64);
  int named = 0;
  for (char *word = words, *end; word != NULL; word = end) {
    for (end = word; *end != 0 && *end != ','; end++)
      if (*end == '\\') end++;
    if (*end == 0) end = NULL;
    else *end++ = 0;
    size_t index = 0;
    for (; index < sizeof known / sizeof *known; index++) {
      size_t length = strlen(known[index]);
      int takes = known[index][length - 1] == '=';
      if (takes ? !strncmp(word, known[index], length)
                : !strcmp(word, known[index]))
        break;
    }
    if (index == sizeof known / sizeof *known) wrong(word);
    if (!strncmp(word, "volname=", 8)) {
      named = word[8] != 0 && strchr(word, '/') == NULL;
      continue;
    }
    strcat(strcat(result, word), ",");
  }
  if (!named) wrong("the volume has no name");
  free(words);
  return strcat(result, "subtype=blockframe");
}

struct session *fuse_session_new_versioned(struct fuse_args *args,
                                           const struct darwin_ops *ops,
                                           size_t ops_size,
                                           struct darwin_version *version,
                                           void *userdata) {
  (void)userdata;
  if (args->argc != 3 || strcmp(args->argv[1], "-o")) wrong("the arguments");
  if (ops_size != sizeof *ops) wrong("the size of the operations");
  if (version->major != 3 || version->extensions) wrong("the version");
  if (ops->readdirplus != NULL) wrong("readdirplus is not for this driver");
  if (ops->init == NULL || ops->mkdir == NULL || ops->setxattr == NULL)
    wrong("an operation is missing");
  struct session *s = calloc(1, sizeof *s);
  s->ops = *ops;
  char *options = translate_options(args->argv[2]);
  char *words[] = {"standin", "-o", options, NULL};
  struct fuse_args real_args = FUSE_ARGS_INIT(3, words);
  struct real_version real_version = {3, 17, 0, 0};
  s->real = real.make_versioned != NULL
                ? real.make_versioned(&real_args, &real_ops, sizeof real_ops,
                                      &real_version, s)
                : real.make(&real_args, &real_ops, sizeof real_ops, s);
  free(options);
  if (s->real != NULL) return s;
  free(s);
  return NULL;
}

int fuse_session_mount(struct session *s, const char *path) {
  s->path = strdup(path);
  return 0;
}

int fuse_session_fd(struct session *s) {
  if (s != NULL) wrong("there is no descriptor");
  return -1;
}

int fuse_session_receive_buf(struct session *s, struct darwin_buf *buf) {
  if (s->path == NULL) return -9; // EBADF: unmounted, or never mounted
  if (!s->mounted) {
    const char *refuses = getenv("STANDIN_REFUSES");
    if (refuses != NULL) {
      fprintf(stderr, "fuse: %s\n", refuses);
      return -19; // ENODEV
    }
    if (real.mount(s->real, s->path) != 0) return -19; // ENODEV
    s->mounted = 1;
  }
  struct fuse_buf *message = calloc(1, sizeof *message);
  int result = real.receive(s->real, message);
  if (result <= 0) {
    free(message->mem);
    free(message);
    return result == -EAGAIN ? -35 : result;
  }
  if (buf->msg != NULL) wrong("a request was left over");
  buf->size = result;
  buf->msg = message;
  buf->mem_orig = buf->mem;
  buf->mem = message->mem;
  return result;
}

void fuse_session_process_buf(struct session *s, struct darwin_buf *buf) {
  struct fuse_buf *message = buf->msg;
  if (message == NULL || buf->mem != message->mem) wrong("another request");
  buf->msg = NULL;
  buf->mem = buf->mem_orig;
  real.process(s->real, message);
  free(message->mem);
  free(message);
}

void fuse_session_exit(struct session *s) { real.exit(s->real); }

void fuse_session_unmount(struct session *s) {
  if (s->mounted) real.unmount(s->real);
  s->mounted = 0;
  free(s->path);
  s->path = NULL;
}

void fuse_session_destroy(struct session *s) {
  real.destroy(s->real);
  free(s);
}

const char *fuse_pkgversion(void) { return "3.17.4"; }

// Answers.

static int error_of(int number) {
  static const struct {
    int darwin, ours;
  } numbers[] = {
      {2, ENOENT},   {4, EINTR},   {5, EIO},        {12, ENOMEM},
      {13, EACCES},  {19, ENODEV}, {20, ENOTDIR},   {21, EISDIR},
      {22, EINVAL},  {30, EROFS},  {34, ERANGE},    {35, EAGAIN},
      {57, ENOTCONN}, {78, ENOSYS}, {93, ENODATA},  {45, EOPNOTSUPP},
  };
  for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++)
    if (numbers[index].darwin == number) return numbers[index].ours;
  wrong("an error number");
  return 0;
}

static struct timespec time_of(struct darwin_timespec time) {
  if (time.nsec < 0 || time.nsec > 999999999) wrong("a time");
  return (struct timespec){.tv_sec = time.sec, .tv_nsec = time.nsec};
}

static struct stat stat_of(const struct darwin_stat *given) {
  if (given->dev || given->rdev || given->flags || given->gen) wrong("a stat");
  if (given->birth.sec != given->modify.sec) wrong("a time of birth");
  struct stat result = {0};
  result.st_mode = given->mode;
  result.st_nlink = given->nlink;
  result.st_ino = given->ino;
  result.st_uid = given->uid;
  result.st_gid = given->gid;
  result.st_atim = time_of(given->access);
  result.st_mtim = time_of(given->modify);
  result.st_ctim = time_of(given->change);
  result.st_size = given->size;
  result.st_blocks = given->blocks;
  result.st_blksize = given->blksize;
  return result;
}

// What is told is believed for some time, and not for ever.
static void require_seconds(double seconds) {
  if (!(seconds >= 1 && seconds <= 1e6)) wrong("a time to live");
}

int fuse_reply_err(fuse_req_t req, int number) {
  return real.err(req, number == 0 ? 0 : error_of(number));
}

void fuse_reply_none(fuse_req_t req) { real.none(req); }

int fuse_reply_buf(fuse_req_t req, const char *bytes, size_t size) {
  return real.buf(req, bytes, size);
}

int fuse_reply_iov(fuse_req_t req, const struct iovec *parts, int count) {
  return real.iov(req, parts, count);
}

int fuse_reply_entry(fuse_req_t req, const struct darwin_entry *given) {
  if (given->ino == 0) wrong("an entry");
  if (given->generation == 0 || given->generation > UINT32_MAX)
    wrong("a generation");
  require_seconds(given->attr_timeout);
  require_seconds(given->entry_timeout);
  struct fuse_entry_param entry = {0};
  entry.ino = given->ino;
  entry.generation = given->generation;
  entry.attr = stat_of(&given->attr);
  entry.attr_timeout = given->attr_timeout;
  entry.entry_timeout = given->entry_timeout;
  return real.entry(req, &entry);
}

int fuse_reply_attr(fuse_req_t req, const struct darwin_stat *given,
                    double seconds) {
  require_seconds(seconds);
  struct stat attributes = stat_of(given);
  return real.attr(req, &attributes, seconds);
}

int fuse_reply_open(fuse_req_t req, const struct darwin_file *given) {
  if (given->direct_io || given->padding || given->padding2) wrong("a file");
  struct fuse_file_info file = {0};
  file.fh = given->fh;
  file.keep_cache = given->keep_cache;
  file.cache_readdir = given->cache_readdir;
  return real.open(req, &file);
}

int fuse_reply_statfs(fuse_req_t req, const struct darwin_statvfs *given) {
  if (given->frsize != given->bsize || given->bsize > 1 << 25)
    wrong("the size of a block");
  struct statvfs numbers = {0};
  numbers.f_bsize = given->bsize;
  numbers.f_frsize = given->frsize;
  numbers.f_blocks = given->blocks;
  numbers.f_bfree = given->bfree;
  numbers.f_bavail = given->bavail;
  numbers.f_files = given->files;
  numbers.f_ffree = given->ffree;
  numbers.f_namemax = given->namemax;
  return real.statfs(req, &numbers);
}

int fuse_reply_xattr(fuse_req_t req, size_t size) {
  return real.xattr(req, size);
}

// macOS: sys/mount.h. Without force a mount that is in use stays.
int unmount(const char *path, int flags) {
  if (flags != 0 && flags != 0x80000) wrong("how to unmount");
  if (flags == 0) return umount2(path, 0);
  if (umount2(path, MNT_FORCE) == 0) return 0;
  return umount2(path, MNT_DETACH);
}

// The list is what is known without asking a mount, which would wait for its own process.
int getfsstat64(struct darwin_mount *, int, int) __asm__("getfsstat$INODE64");
int getfsstat64(struct darwin_mount *list, int size, int flags) {
  if (flags != 2) wrong("how to list mounts");
  FILE *mounts = setmntent("/proc/self/mounts", "r");
  int count = 0, room = list == NULL ? 0 : size / (int)sizeof *list;
  if (list != NULL && size % sizeof *list != 0) wrong("the list of mounts");
  for (struct mntent *each; (each = getmntent(mounts)) != NULL; count++) {
    if (list == NULL) continue;
    if (count == room) break;
    struct darwin_mount *mount = &list[count];
    memset(mount, 0, sizeof *mount);
    strncpy(mount->mntonname, each->mnt_dir, sizeof mount->mntonname - 1);
    strncpy(mount->mntfromname, each->mnt_fsname,
            sizeof mount->mntfromname - 1);
  }
  endmntent(mounts);
  return count;
}

// As on Intel's Macs, where this is the call with the old struct.
int getfsstat(void *list, int size, int flags) {
  (void)list, (void)size, (void)flags;
  wrong("the list of mounts with the old struct");
  return -1;
}
