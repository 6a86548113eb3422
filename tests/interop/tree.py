"""For stranger_test.ts: a folder with one of everything, what lies in a folder, and tables to be judged.

    python3 tree.py make FOLDER       makes the folder; it is the same every time
    python3 tree.py look FOLDER       JSON of all that lies there: by path, "" for the folder itself
    python3 tree.py judge FILE SIZE   FILE has a JSON list of file tables, for a payload of SIZE bytes;
                                      prints one of what stranger.py has against each, or null
"""

import hashlib
import json
import os
import random
import stat
import sys

# Files enough for a compressed file table of more than a page of 65536 bytes.
MANY = 2200


def set_attribute(path, name, value):
    try:
        os.setxattr(path, name, value)
    except OSError:
        pass  # nothing that file systems must have; look() says whether they were there


def make(folder):
    source = random.Random(7)
    os.umask(0o022)
    for name in ("", "a", "a/many", "a/öde \n\\", "empty", "open", "\uffff after \U0001f600"):
        os.mkdir(os.path.join(folder, name))
    os.chdir(folder)
    files = {"a-b": b"between a and what is in it", "a.c": b"", "a/one": b"1", "\uffff": b"2", "\U0001f600": b"3",
             "a/öde \n\\/ \"x\" ": source.randbytes(200_001), ".hidden": source.randbytes(9000)}
    files.update(("a/many/%d" % i, b"%d" % i) for i in range(MANY))
    for path, content in files.items():
        with open(path, "xb") as f:
            f.write(content)
    with open("sparse", "xb") as f:
        f.seek(1_000_000)
        f.write(source.randbytes(5000))
        f.seek(1_500_000)
        f.write(source.randbytes(70_000))
        f.truncate(3_000_000)
    with open("void", "xb") as f:
        f.truncate(500_000)
    os.link("a/one", "open/again")
    os.link("a/one", "and again")
    for path, target in (("a/link", "../a-b"), ("out", "/etc/passwd"), ("dangling", "nowhere\n"), ("folder", "a/many")):
        os.symlink(target, path)
    set_attribute("a/one", "user.note", bytes(range(256)))
    set_attribute("a/one", "user.empty", b"")
    set_attribute("a", "user.ä", "ö".encode())
    for path, mode in (("a/one", 0o640), ("a-b", 0o4755), ("open", 0o1777), ("empty", 0o700), (".hidden", 0o400)):
        os.chmod(path, mode)
    for path, ns in (("a/one", 1), ("a-b", -1), ("a/öde \n\\", 10 ** 18 + 123456789), ("dangling", 12 * 10 ** 17 + 1),
                     ("a/many", 999999999), ("", 10 ** 18)):
        os.utime(path or ".", ns=(ns, ns), follow_symlinks=False)


def look(folder):
    seen, names = {}, {}
    for path, folders, files in os.walk(folder):
        for name in [""] * (path == folder) + folders + files:
            full = os.path.join(path, name)
            seen[os.path.relpath(full, folder)] = picture(full, os.path.relpath(full, folder), names)
    return seen


def picture(path, name, names):
    state = os.lstat(path)
    one = {"modified": str(state.st_mtime_ns), "names": names.setdefault(state.st_ino, name)}
    if stat.S_ISLNK(state.st_mode):
        return dict(one, target=os.readlink(path))
    # Set-uid and set-gid bits are not to come back.
    one["mode"] = oct(state.st_mode & 0o1777)
    one["xattrs"] = {x: os.getxattr(path, x).hex() for x in os.listxattr(path) if x.startswith("user.")}
    if stat.S_ISDIR(state.st_mode):
        return one
    with open(path, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    one.update(bytes=state.st_size, digest=digest)
    # How many blocks a smaller file takes depends on the file system, and on how long ago it was written.
    return dict(one, hasHoles=state.st_blocks * 1024 < state.st_size) if state.st_size > 400_000 else one


def judge(path, size):
    import stranger

    def problem_of(table):
        try:
            stranger.parse_table(table.encode(), size)
        except stranger.Unreadable as e:
            return str(e)

    with open(path) as f:
        return [problem_of(table) for table in json.load(f)]


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    print(json.dumps(look(sys.argv[2]) if sys.argv[1] == "look" else judge(sys.argv[2], int(sys.argv[3]))))
