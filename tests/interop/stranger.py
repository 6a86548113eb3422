#!/usr/bin/env python3
"""Read and repair BlockFrame entries with nothing but Python 3 and docs/format.md.

This is not part of BlockFrame. It is the proof that docs/format.md is enough: it
was written from that page alone, by somebody who had not seen the program (the
part on trees by somebody who had, and put into the page what it lacked), and
stranger_test.ts makes the two work on each other's archives. It shares no code
with BlockFrame; BLAKE3 and the field of 256 elements are its own.

    python3 stranger.py restore ENTRY_FOLDER OUTPUT
        0  the payload is in OUTPUT, every leaf of it checked; of a tree OUTPUT,
           which must not be there, is its folder: with modes (but set-uid and
           set-gid), times, links, holes and attributes, owned by who runs this
        4  something cannot be rebuilt: nothing is written, and stdout has
           {"lost": [{"offset": …, "bytes": …}, …]}, the ranges of the payload
    python3 stranger.py repair ENTRY_FOLDER
        0  nothing was wrong      1  all damage was repaired
        4  something is left (what could be repaired was)
    both
        2  not an entry that this program can read; stderr says why

"Section" in the comments means a section of docs/format.md.
"""

import base64
import collections
import datetime
import functools
import json
import os
import re
import shutil
import struct
import sys
import zlib

# ---------------------------------------------------------------- BLAKE3
#
# One Python integer holds the same state word of many chunks at once, each in a
# lane of 64 bits of which the lower 32 are used: additions and rotations spill
# into the upper half of a lane, and the mask cuts that off. So one compression
# of Python's long integers compresses up to LANES chunks.
# (BLAKE3 itself: https://github.com/BLAKE3-team/BLAKE3-specs)

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
MIXES = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
         (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
CHUNK = 1024
LANES = 1024


def ceil(a, b):
    return -(-a // b)


def lanes(values):
    """An integer with one value in each lane."""
    return int.from_bytes(struct.pack("<%dQ" % len(values), *values), "little")


def compress(state, words, counters, length, flags, ones):
    """BLAKE3's compression function on all lanes; `ones` has a 1 in each."""
    mask = ones * 0xFFFFFFFF
    v = list(state) + [ones * x for x in IV[:4]]
    v += [counters & mask, counters >> 32 & mask, ones * length, ones * flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(MIXES):
            va, vb = v[a] + v[b] + words[2 * i] & mask, v[b]
            vd = v[d] ^ va
            vd = (vd >> 16 | vd << 16) & mask
            vc = v[c] + vd & mask
            vb ^= vc
            vb = (vb >> 12 | vb << 20) & mask
            va = va + vb + words[2 * i + 1] & mask
            vd ^= va
            vd = (vd >> 8 | vd << 24) & mask
            vc = vc + vd & mask
            vb ^= vc
            v[a], v[b], v[c], v[d] = va, (vb >> 7 | vb << 25) & mask, vc, vd
        words = [words[i] for i in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def hash_equal(data, count, counter, first, last):
    """Chaining values of `count` inputs of equal length, which lie one after the other in `data`.

    `counter` is the number of the first (None: 0 for all), `first` and `last` the flags for the
    first and the last block of each input.
    """
    if count == 0:
        return []
    size = len(data) // count
    if count > LANES:
        at = LANES * size
        rest = None if counter is None else counter + LANES
        return (hash_equal(data[:at], LANES, counter, first, last)
                + hash_equal(data[at:], count - LANES, rest, first, last))
    blocks = max(1, ceil(size, 64))
    data = data.ljust(blocks * 64, b"\0")  # a partial block is only in the last chunk of a stream: count is 1
    words = struct.unpack("<%dI" % (len(data) // 4), data)
    ones = lanes([1] * count)
    counters = 0 if counter is None else lanes(range(counter, counter + count))
    state = [ones * x for x in IV]
    for b in range(blocks):
        block = [lanes(words[b * 16 + w::blocks * 16]) for w in range(16)]
        flags = (first if b == 0 else 0) | (last if b == blocks - 1 else 0)
        state = compress(state, block, counters, min(64, size - b * 64), flags, ones)
    columns = [struct.unpack("<%dQ" % count, x.to_bytes(8 * count, "little")) for x in state]
    return [struct.pack("<8I", *row) for row in zip(*columns)]


def chunk_values(data, counter, root=0):
    """Chaining values of the chunks of `data`, the first of which has the number `counter`."""
    whole = len(data) // CHUNK
    values = hash_equal(data[:whole * CHUNK], whole, counter, CHUNK_START, CHUNK_END | root)
    if len(data) > whole * CHUNK or not data:
        values += hash_equal(data[whole * CHUNK:], 1, counter + whole, CHUNK_START, CHUNK_END | root)
    return values


def join(values, root=0):
    """One level up in the tree: neighbours joined pairwise, an odd last one as it is."""
    pairs = len(values) // 2
    return hash_equal(b"".join(values[:2 * pairs]), pairs, None, PARENT, PARENT | root) + values[2 * pairs:]


def root_of(values):
    while len(values) > 1:
        values = join(values, ROOT if len(values) == 2 else 0)
    return values[0]


def blake3(data):
    return chunk_values(data, 0, ROOT)[0] if len(data) <= CHUNK else root_of(chunk_values(data, 0))


# ---------------------------------------------------------------- GF(2^8) and Reed-Solomon (section 6)

EXP = [1]
while len(EXP) < 255:
    EXP.append(EXP[-1] << 1 ^ (0x11D if EXP[-1] & 0x80 else 0))
LOG = {x: i for i, x in enumerate(EXP)}


def multiply(a, b):
    return EXP[(LOG[a] + LOG[b]) % 255] if a and b else 0


# x.translate(TIMES[a]) is a * x, for all bytes of x
TIMES = [bytes(multiply(a, b) for b in range(256)) for a in range(256)]


def combine(coefficients, rows, length):
    """The sum of coefficient * row, for rows of `length` bytes."""
    total = 0
    for c, row in zip(coefficients, rows):
        if c:
            total ^= int.from_bytes(row if c == 1 else row.translate(TIMES[c]), "little")
    return total.to_bytes(length, "little")


def invert(matrix):
    """The inverse of a square matrix, which is a list of rows, by Gauss and Jordan."""
    n = len(matrix)
    rows = [bytes(row) + bytes(i == j for j in range(n)) for i, row in enumerate(matrix)]
    for i in range(n):
        pivot = next(j for j in range(i, n) if rows[j][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = rows[i].translate(TIMES[EXP[-LOG[rows[i][i]] % 255]])
        for j in range(n):
            if j != i and rows[j][i]:
                rows[j] = combine((1, rows[j][i]), (rows[j], rows[i]), 2 * n)
    return [row[n:] for row in rows]


@functools.lru_cache(maxsize=4)
def generator(k, m):
    vandermonde = [b"\1" * (k + m)]  # by columns: each is the one before times the number of the row
    for _ in range(k - 1):
        vandermonde.append(bytes(multiply(x, r) for r, x in enumerate(vandermonde[-1])))
    vandermonde = [bytes(row) for row in zip(*vandermonde)]
    inverse = invert(vandermonde[:k])
    return [combine(row, inverse, k) for row in vandermonde]


@functools.lru_cache(maxsize=64)
def decoder(k, m, shards):
    """What makes all k + m shards of these k."""
    inverse = invert([generator(k, m)[i] for i in shards])
    return [combine(row, inverse, k) for row in generator(k, m)]


# ---------------------------------------------------------------- An entry

COPIES = ("", "hashes", "hashes_1", "hashes_2")
PAGE = 65536
BAND = 1 << 20  # bytes of each shard that are looked at together


class Unreadable(Exception):
    pass


# Path of the file, its right length, the offset of its first byte in its stream, the length
# of that stream (section 5), and the slot of its first leaf in the outboard.
Shard = collections.namedtuple("Shard", "path length offset stream slot")


def read_file(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return None


class Entry:
    def __init__(self, folder):
        self.folder = folder
        self.manifest = self.vote()
        manifest = json.loads(self.manifest)
        self.geometry(manifest)
        self.load_outboard(manifest["outboard"])
        self.load_table(manifest)

    def places(self, name):
        return [os.path.join(self.folder, copy, name) for copy in COPIES]

    def vote(self):
        """The content of the manifest (sections 3 and 7.1)."""
        good = collections.Counter()
        for path in self.places("manifest.json"):
            data = read_file(path) or b""
            end = re.search(rb'(?:\n|\A)(  "manifest_blake3": "([0-9a-f]{64})"\n}\n)\Z', data)
            if end and blake3(data[:end.start(1)]).hex().encode() == end[2]:
                good[data] += 1
        first = good.most_common(2)
        if not first:
            raise Unreadable("no good copy of the manifest")
        if len(first) == 2 and first[0][1] == first[1][1]:
            raise Unreadable("good copies of the manifest differ, and none has a majority")
        return first[0][0]

    def geometry(self, manifest):
        """Section 4."""
        if (manifest["format"] != "blockframe" or manifest["version"] != 1
                or set(manifest["required_features"]) - {"cross_block_parity", "file_table"}):
            raise Unreadable("made by a newer program: version %s, features %s"
                             % (manifest["version"], manifest["required_features"]))
        policy = re.fullmatch(r"(?:erasure:(\d+)\+|replicate:)(\d+)", manifest["policy"])
        if not policy:
            raise Unreadable("unknown policy " + manifest["policy"])
        self.k, self.m = (int(policy[1]), int(policy[2])) if policy[1] else (1, int(policy[2]) - 1)
        self.size, self.segment, self.leaf = (manifest[x + "_bytes"] for x in ("payload", "segment", "leaf"))
        self.root = manifest["root"]
        if (self.leaf not in (1024 << i for i in range(7)) or self.segment % self.leaf
                or self.k < 1 or self.m < 0 or self.k + self.m > 256):
            raise Unreadable("its numbers are out of bounds")
        self.segments = ceil(self.size, self.segment) if self.size else 0
        self.blocks = ceil(self.segments, self.k)
        cross = manifest.get("cross_block", {"groups": 1, "parity": 0})
        self.groups, self.g = cross["groups"], cross["parity"]
        if self.groups < 1 or self.g and ceil(self.blocks, self.groups) + self.g > 256:
            raise Unreadable("its numbers are out of bounds")
        self.columns = min(self.segments, self.groups * self.k) if self.g else 0
        self.data_slots = ceil(self.size, self.leaf)
        self.block_slots = self.data_slots + sum(self.m * self.rows(b) for b in range(self.blocks))
        self.slots = self.block_slots + sum(self.g * self.rows(self.blocks + t) for t in range(self.columns))

    # Columns have the numbers after those of the blocks: column t is "block" self.blocks + t.

    def in_block(self, b):
        """Number of data shards of block b."""
        if b < self.blocks:
            return min(self.k, self.segments - b * self.k)
        return ceil(self.segments - (b - self.blocks), self.groups * self.k)

    def parity_of(self, b):
        return self.m if b < self.blocks else self.g

    def segment_of(self, b, i):
        return b * self.k + i if b < self.blocks else b - self.blocks + i * self.groups * self.k

    def block_length(self, b):
        return min(self.segment, self.size - self.segment_of(b, 0) * self.segment)

    def rows(self, b):
        return ceil(self.block_length(b), self.leaf)

    def shard(self, b, i):
        """Shard i of block b: first the data, then the parity (sections 2, 4 and 5)."""
        def number(x, count):
            return str(x).zfill(len(str(count - 1)))

        s, p, t = self.segment_of(b, i), i - self.in_block(b), b - self.blocks
        if p >= 0 and t >= 0:
            path = "groups/group_%s/column_%s_parity_%s.dat" % (
                number(t // self.k, self.groups), number(t % self.k, self.k), number(p, self.g))
            slot = self.block_slots + t * self.g * (self.segment // self.leaf) + p * self.rows(b)
            length = self.block_length(b)
            return Shard(os.path.join(self.folder, path), length, 0, length, slot)
        folder = "" if self.k == 1 else "blocks/block_" + number(s // self.k if p < 0 else b, self.blocks)
        block = os.path.join(self.folder, folder)
        if p < 0:
            path = "segments/segment_%s.dat" % number(s, self.segments)
            offset = s * self.segment
            return Shard(os.path.join(block, path), min(self.segment, self.size - offset),
                         offset, self.size, offset // self.leaf)
        path = "parity/%sparity_%s.dat" % (
            "segment_%s_" % number(b, self.segments) if self.k == 1 else "", number(p, self.m))
        slot = self.data_slots + b * self.m * (self.segment // self.leaf) + p * self.rows(b)
        length = self.block_length(b)
        return Shard(os.path.join(block, path), length, 0, length, slot)

    def shards(self):
        for b in range(self.blocks):
            for i in range(self.in_block(b) + self.m):
                yield self.shard(b, i)
        for b in range(self.blocks, self.blocks + self.columns):
            for p in range(self.g):
                yield self.shard(b, self.in_block(b) + p)

    # ------------------------------------------------------------ leaves

    def leaf_bytes(self, shard, r):
        return max(0, min(self.leaf, shard.length - r * self.leaf))

    def read_leaves(self, shard, first, end):
        """The leaves first … end - 1 of a shard; None for what is not there or cannot be read."""
        def read(f, r):
            try:
                f.seek(r * self.leaf)
                data = f.read(self.leaf_bytes(shard, r))
                return data if len(data) == self.leaf_bytes(shard, r) else None
            except OSError:
                return None

        try:
            with open(shard.path, "rb", buffering=0) as f:
                return [read(f, r) for r in range(first, end)]
        except OSError:
            return [None] * (end - first)

    def digests(self, shard, first, leaves):
        """Section 5. What a leaf of None gets means nothing."""
        lengths = [self.leaf_bytes(shard, first + i) for i in range(len(leaves))]
        data = b"".join(bytes(n) if x is None else x for x, n in zip(leaves, lengths))
        if shard.stream <= self.leaf:
            return [blake3(data)]
        values = chunk_values(data, (shard.offset + first * self.leaf) // CHUNK)
        for _ in range((self.leaf // CHUNK).bit_length() - 1):
            values = join(values)
        return values

    def good_leaves(self, shard, first, end):
        """Like read_leaves, and None for what does not have its digest."""
        end = min(end, ceil(shard.length, self.leaf))
        if first >= end:
            return []
        leaves = self.read_leaves(shard, first, end)
        if any(x is not None for x in leaves):
            for i, digest in enumerate(self.digests(shard, first, leaves)):
                if digest != self.outboard[shard.slot + first + i]:
                    leaves[i] = None
        return leaves

    # ------------------------------------------------------------ outboard

    def load_outboard(self, member):
        """A digest for each slot; None in a page that no copy has and that cannot be computed (section 5)."""
        self.pages = None
        if "inline" in member:
            data = bytes.fromhex(member["inline"])
            self.outboard = [data[i:i + 32] for i in range(0, len(data), 32)]
        else:
            self.pages = member["pages"]
            self.outboard = []
            size = self.slots * 32
            for i, page in enumerate(self.read_pages("outboard.bin", size, self.pages)):
                end = min(size, (i + 1) * PAGE)
                if page is None:
                    page = self.compute_page(i * PAGE // 32, end // 32)
                    page = page if blake3(page).hex() == self.pages[i] else None
                self.outboard += [page and page[j:j + 32] for j in range(0, end - i * PAGE, 32)]
        if len(self.outboard) != self.slots:
            raise Unreadable("the outboard has the wrong length")
        data = self.outboard[:self.data_slots]
        if None not in data and (root_of(data) if data else blake3(b"")).hex() != self.root:
            raise Unreadable("the outboard does not lead to the root")

    def read_pages(self, name, size, digests):
        """Each page of a file in four copies, from any copy that has it right; None where none has."""
        copies = [read_file(path) or b"" for path in self.places(name)]
        for i, digest in enumerate(digests):
            pages = (copy[i * PAGE:min(size, (i + 1) * PAGE)] for copy in copies)
            yield next((x for x in pages if blake3(x).hex() == digest), None)

    def load_table(self, manifest):
        """The compressed file table of a tree, as pages of which some may be None (section 12)."""
        self.files = None
        if ("files" in manifest) != ("file_table" in manifest["required_features"]):
            raise Unreadable("it is a tree without a table, or a table without a tree")
        if "files" in manifest:
            self.files = manifest["files"]
            size, digests = self.files["compressed_bytes"], self.files["pages"]
            if len(digests) != ceil(size, PAGE):
                raise Unreadable("its file table has the wrong number of pages")
            self.table_pages = list(self.read_pages("files.jsonl.gz", size, digests))

    def compute_page(self, first, end):
        """The digests of the slots first … end - 1 from the bytes of the shards, right or not."""
        digests = []
        for shard in sorted(self.shards(), key=lambda x: x.slot):
            lo, hi = max(first, shard.slot), min(end, shard.slot + ceil(shard.length, self.leaf))
            if lo < hi:
                leaves = self.read_leaves(shard, lo - shard.slot, hi - shard.slot)
                digests += self.digests(shard, lo - shard.slot, leaves)
        return b"".join(digests)

    # ------------------------------------------------------------ rows

    def walk(self):
        """Look at all rows. Yields for each row (block, row, leaves of all shards, numbers of those rebuilt).

        A leaf is its right bytes, or None where it is lost; b"" where a segment ended before the row.
        """
        if self.g:
            yield from self.walk_groups()
            return
        step = max(1, BAND // self.leaf)
        for b in range(self.blocks):
            shards = [self.shard(b, i) for i in range(self.in_block(b) + self.m)]
            for first in range(0, self.rows(b), step):
                end = min(self.rows(b), first + step)
                band = [self.good_leaves(shard, first, end) for shard in shards]
                for r in range(first, end):
                    leaves = [x[r - first] if r - first < len(x) else b"" for x in band]
                    yield b, r, leaves, self.rebuild(b, r, shards, leaves)

    def walk_groups(self):
        """The same where there are columns: a row of a whole group at a time (section 7.4)."""
        for q in range(self.groups):
            blocks = list(range(q, self.blocks, self.groups))
            columns = [self.blocks + t for t in range(q * self.k, min((q + 1) * self.k, self.columns))]
            shards = {b: [self.shard(b, i) for i in range(self.in_block(b) + self.parity_of(b))]
                      for b in blocks + columns}
            for r in range(self.rows(q)):
                known = {}  # by path, because a segment is in a block and in a column
                for shard in {x.path: x for b in shards for x in shards[b]}.values():
                    known[shard.path] = (self.good_leaves(shard, r, r + 1) or [b""])[0]
                before = dict(known)
                gained = True
                while gained:
                    gained = False
                    for b in shards:
                        leaves = [known[x.path] for x in shards[b]]
                        if r < self.rows(b) and self.rebuild(b, r, shards[b], leaves):
                            known.update((x.path, leaf) for x, leaf in zip(shards[b], leaves))
                            gained = True
                for b in shards:
                    leaves = [known[x.path] for x in shards[b]]
                    first = 0 if b < self.blocks else self.in_block(b)
                    yield b, r, leaves, [i for i, x in enumerate(shards[b]) if i >= first
                                         and before[x.path] is None and known[x.path] is not None]

    def rebuild(self, b, r, shards, leaves):
        """Fill in the lost leaves of a row if enough are left (section 6); the numbers of those filled in."""
        k = self.in_block(b)
        lost = [i for i, x in enumerate(leaves) if x is None]
        good = tuple(i for i, x in enumerate(leaves) if x is not None)[:k]
        if not lost or len(good) < k:
            return []
        length = self.leaf_bytes(shards[0], r)  # the first segment is never shorter than another
        padded = [leaves[i].ljust(length, b"\0") for i in good]
        matrix = decoder(k, self.parity_of(b), good)
        rebuilt = []
        for i in lost:
            leaf = combine(matrix[i], padded, length)[:self.leaf_bytes(shards[i], r)]
            if self.digests(shards[i], r, [leaf])[0] == self.outboard[shards[i].slot + r]:
                leaves[i] = leaf
                rebuilt.append(i)
        return rebuilt


# ---------------------------------------------------------------- Trees (section 12)

PATH_MAX, NAME_MAX, LINE_MAX, XATTRS_MAX = 4096, 255, 16 << 20, 1 << 20


def expect(is_right, what):
    if not is_right:
        raise Unreadable("the file table breaks a rule: " + what)


def is_size(x):
    return type(x) is int and 0 <= x < 1 << 53


def is_text(x, most):
    try:
        return type(x) is str and "\0" not in x and 0 < len(x.encode()) <= most
    except UnicodeEncodeError:  # half a surrogate
        return False


def is_path(x):
    return is_text(x, PATH_MAX) and all(is_text(name, NAME_MAX) and name not in (".", "..") for name in x.split("/"))


def attributes_of(row):
    """Mode, time of change in nanoseconds since 1970, and extended attributes; None for what is not known."""
    mode, modified, xattrs = row.get("mode"), row.get("modified"), row.get("xattrs", {})
    expect(mode is None or type(mode) is str and re.fullmatch("[0-7]{1,4}", mode), "a mode")
    for owner in "uid", "gid":
        expect(is_size(row.get(owner, 0)) and row.get(owner, 0) < 1 << 32, "an owner")
    if modified is not None:
        match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", str(modified), re.ASCII)
        expect(match, "a time")
        try:
            passed = datetime.datetime.fromisoformat(match[1]) - datetime.datetime(1970, 1, 1)
        except ValueError:
            raise Unreadable("the file table has a date that never was: %s" % modified)
        modified = (passed.days * 86400 + passed.seconds) * 10 ** 9 + int((match[2] or "").ljust(9, "0"))
    expect(type(xattrs) is dict and all(is_text(name, XATTRS_MAX) for name in xattrs), "attributes")
    try:
        xattrs = {name: base64.b64decode(value, validate=True) for name, value in xattrs.items()}
    except (TypeError, ValueError):
        raise Unreadable("the file table has an attribute that is not base64")
    expect(sum(len(name.encode()) + len(x) for name, x in xattrs.items()) <= XATTRS_MAX, "attributes")
    return mode and int(mode, 8), modified, xattrs


def parse_line(line):
    expect(len(line) <= LINE_MAX, "a long line")
    try:
        row = json.loads(line.decode())
    except ValueError:
        raise Unreadable("the file table has a line that is not JSON")
    expect(type(row) is dict, "a line that is no object")
    return row


def parse_table(table, size):
    """The attributes of the root, and the rows, of a payload of that size; every rule is checked."""
    expect(table.endswith(b"\n"), "it has no end")
    header, *lines = table[:-1].split(b"\n")
    header = parse_line(header)
    expect(header.get("format") == "blockframe.files" and header.get("version") == 1, "its header")
    expect(type(header.get("root")) is dict, "its root")
    attributes_of(header["root"])
    rows, before, names = {}, b"", {}
    for row in map(parse_line, lines):
        path, kind = row.get("path"), row.get("kind")
        expect(is_path(path), "a path")
        place = path.replace("/", "\0").encode()
        expect(place > before, "the order of %s" % path)
        before = place
        above = path.rpartition("/")[0]
        expect(not above or rows.get(above, {}).get("kind") == "folder", "the folder of %s" % path)
        if kind == "file":
            check_ranges(row, size)
            names[path] = row.get("names", 1)
            expect(is_size(names[path]) and names[path] > 0, "the names of %s" % path)
        elif kind == "link":
            expect(is_text(row.get("target"), PATH_MAX), "the target of %s" % path)
        elif kind == "hardlink":
            expect(is_path(row.get("target")) and names.get(row["target"], 1) > 1, "the target of %s" % path)
        else:
            expect(kind == "folder", "the kind of %s" % path)
        if kind != "hardlink":
            attributes_of(row)
        rows[path] = row
    return header["root"], list(rows.values())


def check_ranges(row, size):
    digest = row.get("blake3", "0" * 64)
    expect(type(digest) is str and re.fullmatch("[0-9a-f]{64}", digest), "a digest")
    expect(is_size(row.get("bytes")), "a size")
    data, end = row.get("data", []), 0
    expect(type(data) is list, "data")
    for one in data:
        expect(type(one) is list and len(one) == 3 and all(map(is_size, one)), "a range")
        offset, at, length = one
        expect(length > 0 and at >= end, "the order of ranges")
        end = at + length
        expect(end <= row["bytes"] and offset + length <= size, "where a range ends")


def read_table(entry):
    """The rows of a tree's table."""
    files = entry.files
    if None in entry.table_pages:
        raise Unreadable("a page of the file table is lost")
    unpack = zlib.decompressobj(wbits=31)  # gzip
    try:
        table = unpack.decompress(b"".join(entry.table_pages), files["table_bytes"] + 1)
    except zlib.error as e:
        raise Unreadable("the file table cannot be decompressed: %s" % e)
    expect(unpack.eof and len(table) == files["table_bytes"], "its size")
    expect(blake3(table).hex() == files["table_blake3"], "its digest")
    root, rows = parse_table(table, entry.size)
    kinds = collections.Counter(row["kind"] for row in rows)
    counts = {"files": kinds["file"], "folders": kinds["folder"], "links": kinds["link"],
              "hard_links": kinds["hardlink"],
              "content_bytes": sum(row["bytes"] for row in rows if row["kind"] == "file")}
    expect(all(files[name] == count for name, count in counts.items()), "how many there are")
    return root, rows


def digest_file(path):
    with open(path, "rb") as f:
        band = f.read(BAND)
        if len(band) <= CHUNK:
            return blake3(band).hex()
        values = []
        while band:
            values += chunk_values(band, len(values))
            band = f.read(BAND)
    return root_of(values).hex()


def set_attributes(path, row, is_link=False):
    mode, modified, xattrs = attributes_of(row)
    if not is_link:  # a link's own mode means nothing, and Linux takes no attributes of one
        for name, value in xattrs.items():
            try:
                os.setxattr(path, name, value)
            except (AttributeError, OSError) as e:  # not on every system, and not for everybody
                print("stranger.py: %s of %s is left out: %s" % (name, path, e), file=sys.stderr)
        if mode is not None:
            os.chmod(path, mode & 0o1777)
    if modified is not None:
        os.utime(path, ns=(modified, modified), follow_symlinks=not is_link)


def make_file(path, row, payload):
    with open(path, "xb") as f:
        for offset, at, length in row.get("data", []):
            payload.seek(offset)
            f.seek(at)
            while length:
                band = payload.read(min(BAND, length))
                f.write(band)
                length -= len(band)
        f.truncate(row["bytes"])
    if "blake3" in row and row["blake3"] != digest_file(path):
        raise Unreadable("%s does not have the digest that the file table says" % row["path"])


def make_tree(folder, root, rows, payload):
    """A new folder with all rows in it. All above a row is a folder that this made: no link is gone through."""
    os.mkdir(folder)
    folders = [(folder, root)]
    for row in rows:
        path = os.path.join(folder, row["path"])
        if row["kind"] == "folder":
            os.mkdir(path)
            folders.append((path, row))
        elif row["kind"] == "hardlink":
            os.link(os.path.join(folder, row["target"]), path)
        elif row["kind"] == "link":
            os.symlink(row["target"], path)
            set_attributes(path, row, is_link=True)
        else:
            make_file(path, row, payload)
            set_attributes(path, row)
    # What is made in a folder changes its time, and its mode may forbid it.
    for path, row in reversed(folders):
        set_attributes(path, row)


# ---------------------------------------------------------------- What a user asks for


def restore(folder, output):
    entry = Entry(folder)
    tree = entry.files and read_table(entry)
    if tree and os.path.lexists(output):
        raise Unreadable("%s is there" % output)
    part = output + ".part"
    lost = write_payload(entry, part)
    if lost:
        os.remove(part)
        print(json.dumps({"lost": lost}))
        return 4
    if not tree:
        os.replace(part, output)
        return 0
    try:
        with open(part, "rb") as payload:
            make_tree(output, *tree, payload)
    except BaseException:
        shutil.rmtree(output, ignore_errors=True)
        raise
    finally:
        os.remove(part)
    return 0


def write_payload(entry, part):
    """The payload into a file; the ranges of it that are lost."""
    lost = []
    with open(part, "wb") as f:
        for b, r, leaves, _ in entry.walk():
            for i in range(entry.in_block(b) if b < entry.blocks else 0):
                offset = (b * entry.k + i) * entry.segment + r * entry.leaf
                if leaves[i] is None:
                    lost.append((offset, entry.leaf_bytes(entry.shard(b, i), r)))
                elif leaves[i]:
                    f.seek(offset)
                    f.write(leaves[i])
        f.truncate(entry.size)
    ranges = []
    for offset, length in sorted(lost):
        if not ranges or ranges[-1]["offset"] + ranges[-1]["bytes"] < offset:
            ranges.append({"offset": offset, "bytes": 0})
        ranges[-1]["bytes"] += length
    return ranges


def replace_file(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "wb") as f:
        f.write(content)
    os.replace(path + ".part", path)


def write_leaf(path, offset, leaf):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)), "r+b") as f:
        f.seek(offset)
        f.write(leaf)


def cut(path, length):
    """Whether the file was too long."""
    if not os.path.isfile(path) or os.path.getsize(path) <= length:
        return False
    os.truncate(path, length)
    return True


def repair(folder):
    entry = Entry(folder)
    done = {"repaired": False, "left": False}

    def attempt(step, *arguments):
        try:
            done["repaired"] |= step(*arguments) is not False
        except OSError as e:
            print("stranger.py: %s" % e, file=sys.stderr)
            done["left"] = True

    wanted = {path: entry.manifest for path in entry.places("manifest.json")}
    if None in entry.outboard:
        done["left"] = True
    elif entry.pages:
        wanted.update((path, b"".join(entry.outboard)) for path in entry.places("outboard.bin"))
    if entry.files and None in entry.table_pages:
        done["left"] = True
    elif entry.files:
        wanted.update((path, b"".join(entry.table_pages)) for path in entry.places("files.jsonl.gz"))
    for path, content in wanted.items():
        if read_file(path) != content:
            attempt(replace_file, path, content)
    incomplete = set()
    for b, r, leaves, rebuilt in entry.walk():
        for i in rebuilt:
            attempt(write_leaf, entry.shard(b, i).path, r * entry.leaf, leaves[i])
        incomplete.update(entry.shard(b, i).path for i, leaf in enumerate(leaves) if leaf is None)
    for shard in entry.shards():
        if shard.path not in incomplete:  # a file that is not understood keeps all it has
            attempt(cut, shard.path, shard.length)
    return 4 if done["left"] or incomplete else 1 if done["repaired"] else 0


def main(arguments):
    try:
        if len(arguments) == 3 and arguments[0] == "restore":
            return restore(arguments[1], arguments[2])
        if len(arguments) == 2 and arguments[0] == "repair":
            return repair(arguments[1])
        print("usage: stranger.py restore ENTRY_FOLDER OUTPUT | repair ENTRY_FOLDER", file=sys.stderr)
    except Unreadable as e:
        print("stranger.py: %s" % e, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
