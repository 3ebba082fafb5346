#!/usr/bin/env python3
"""Independent oracle for zonekit: what a zone root made from an SVR4 image must look like.

Written from the facts only (reference.md sections 1-3, contents.md), never from our Rust.
Simple and slow; Python 3.11 standard library; every name is bytes.

  oracle.py expect  --image DIR --brand BRAND [options]            print the expectation (JSON)
  oracle.py compare --expected FILE.json --root ROOT [options]     an expectation against a tree
  oracle.py check   --image DIR --brand BRAND --root ROOT [...]    both at once

BRAND: sparse-root, whole-root, or zonelib (the clone of /lib; its root is what /lib holds).
"""
import argparse
import collections
import hashlib
import json
import os
import re
import stat
import sys

REFERENCE_LISTS = os.environ.get('PRUNE_REFERENCE') or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../../shared/data/image/prune-reference.tsv')

# ------------------------------------------------------------------ constants of the facts
PREFIXES_DROPPED = [b'/boot', b'/kernel', b'/devices', b'/opt', b'/platform']
CREATED_DIRS = [b'/var/sadm/pkg', b'/usr', b'/lib', b'/mnt', b'/sbin', b'/export']
PROFILES = {b'name_service': b'ns_files', b'generic': b'generic_limited_net',
            b'inetd_services': b'inetd_generic', b'platform': b'platform_none'}
CATALOGUES = (b'.catalog', b'.aliases', b'.overlays', b'.filelist.bz2')
PACKAGES_IGNORED = {b'TRIBdev-dtrace-toolkit', b'SUNWvbox'}
DEFAULT_TREES = {'desktop-cache': [b'/var/svc/manifest/application/desktop-cache/'],
                 'font': [b'/lib/svc/manifest/application/font/']}
BRANDS = {
    # copied directories; prune lists on the files; prune lists on the contents file
    'sparse-root': ([b'/etc', b'/root', b'/var'],
                    ['sparse', 'desktop-cache', 'font'],
                    ['lib', 'sparse', 'desktop-cache', 'font']),
    'whole-root': ([b'/etc', b'/root', b'/var', b'/sbin', b'/lib', b'/usr'],
                   ['lib', 'sparse', 'whole'],
                   ['lib', 'sparse', 'whole']),
    'zonelib': ([b'/lib'], ['lib', 'font'], None),
}


class Trouble(Exception):
    """The input cannot be judged (not: the tree differs)."""


# ------------------------------------------------------------------ small path helpers
def parent(path):
    """b'/a/b' -> b'/a'; b'/a' -> b'/'"""
    return path.rsplit(b'/', 1)[0] or b'/'


def join(directory, name):
    return (b'' if directory == b'/' else directory) + b'/' + name


def ancestors(path):
    """Every proper ancestor below /, nearest first."""
    while True:
        path = parent(path)
        if path == b'/':
            return
        yield path


def is_or_below(path, top):
    """Whole components: /etc and /etc/x, never /etcetera."""
    return path == top or path.startswith(top + b'/')


def normalise(path):
    """Lexically: absolute, no '.', '..' or doubled slashes."""
    out = []
    for part in path.split(b'/'):
        if part == b'..':
            del out[-1:]
        elif part not in (b'', b'.'):
            out.append(part)
    return b'/' + b'/'.join(out)


# ------------------------------------------------------------------ the contents file
Entry = collections.namedtuple('Entry', 'path kind target mode owner group mtime tokens')

# number of fields before the package list: path ftype class, then
FIELDS = {b's': 3, b'l': 3, b'd': 6, b'x': 6, b'p': 6, b'c': 8, b'b': 8, b'f': 9, b'e': 9, b'v': 9}


def parse_line(line, where):
    fields = re.split(rb'[ \t]+', line.rstrip(b' \t'))
    path, equals, target = fields[0].partition(b'=')
    kind = fields[1][:1] if len(fields) > 1 else b''
    count = FIELDS.get(kind)
    if count is None or len(fields) < count or path != normalise(path):
        raise Trouble('%s: not an entry: %r' % (where, line[:200]))
    if kind in b'sl' and not target:
        raise Trouble('%s: link without a target: %r' % (where, line[:200]))
    mode = owner = group = mtime = b'?'
    if kind in b'dxpfev':
        mode, owner, group = fields[3:6]
    if kind in b'cb':
        mode, owner, group = fields[5:8]
    if kind in b'fev':
        mtime = fields[8]
    return Entry(path, kind, target, mode, owner, group, mtime, fields[count:])


def is_comment(line):
    return line.strip() == b'' or line.startswith(b'#')


def package_of(token):
    """[status]pkg[\\][:class] -> pkg"""
    if token[:1] in (b'-', b'+', b'*', b'~', b'!', b'%'):
        token = token[1:]
    token = token.split(b':', 1)[0]
    return token[:-1] if token.endswith(b'\\') else token


# ------------------------------------------------------------------ prune lists
class Prune:
    """Exact paths and whole trees (a trailing /: the directory itself and all below)."""

    def __init__(self, lines):
        self.exact, self.trees = set(), []
        for line in lines:
            line = line.strip()
            if line and not line.startswith(b'#'):
                if line.endswith(b'/'):
                    self.trees.append(normalise(line))
                else:
                    self.exact.add(normalise(line))

    def hits(self, path):
        return path in self.exact or any(is_or_below(path, tree) for tree in self.trees)


def load_lists(prune_dir):
    """name -> list of lines. Without a folder: the reference's own lists and the two trees."""
    if prune_dir:
        lists = {}
        for name in ('lib', 'sparse', 'whole', 'desktop-cache', 'font'):
            with open(os.path.join(prune_dir, name + '.prune'), 'rb') as file:
                lists[name] = file.read().split(b'\n')
        return lists
    lists = {'lib': [], 'sparse': [], 'whole': [], **DEFAULT_TREES}
    with open(REFERENCE_LISTS, 'rb') as file:
        for line in file.read().split(b'\n'):
            if line:
                name, path = line.split(b'\t')
                lists[name.decode()].append(path)
    return lists


# ------------------------------------------------------------------ the live image
class Image:
    """A directory read as chroot would see it: no symlink inside leads outside."""

    def __init__(self, top):
        self.top = os.path.realpath(os.fsencode(top))
        if not os.path.isdir(self.top):
            raise Trouble('%s: not a directory' % top)
        self.canonical = {b'/': b'/'}
        self.users = self.names(b'/etc/passwd')
        self.groups = self.names(b'/etc/group')

    def directory(self, path, budget=40):
        """Canonical place inside the image of a directory, following symlinks; or None."""
        if path not in self.canonical:
            above = self.directory(parent(path))
            self.canonical[path] = above and self.enter(above, path.rsplit(b'/', 1)[1], budget)
        return self.canonical[path]

    def enter(self, directory, name, budget):
        here = join(directory, name)
        try:
            status = os.lstat(self.top + here)
        except OSError:
            return None
        if stat.S_ISDIR(status.st_mode):
            return here
        if not stat.S_ISLNK(status.st_mode) or budget == 0:
            return None
        target = os.readlink(self.top + here)
        at = b'/' if target.startswith(b'/') else directory
        for part in target.split(b'/'):
            if part == b'..':
                at = parent(at)
            elif part not in (b'', b'.'):
                at = self.enter(at, part, budget - 1)
                if at is None:
                    return None
        return at

    def real(self, path):
        """The name on this host of a path in the image, parents resolved, itself not; or None."""
        above = self.directory(parent(path))
        return above and self.top + join(above, path.rsplit(b'/', 1)[1])

    def lstat(self, path):
        real = self.real(path)
        try:
            return real and os.lstat(real)
        except OSError:
            return None

    def regular(self, path):
        status = self.lstat(path)
        return status if status and stat.S_ISREG(status.st_mode) else None

    def listdir(self, path):
        directory = self.directory(path)
        return sorted(os.listdir(self.top + directory)) if directory else []

    def read(self, path):
        if not self.regular(path):
            raise Trouble('%s: no such file in the image' % show(path))
        with open(self.real(path), 'rb') as file:
            return file.read()

    def names(self, path):
        """name -> number, of a passwd or group file; the first line of a name counts."""
        table = {}
        if self.regular(path):
            for line in self.read(path).split(b'\n'):
                fields = line.split(b':')
                if len(fields) > 2 and fields[2].isdigit():
                    table.setdefault(fields[0], int(fields[2]))
        return table


# ------------------------------------------------------------------ one expected object
class Want:
    """None in mode, uid, gid or mtime: the facts leave it open, it is not compared.
    Two paths that hold the same Want are hard links to each other."""

    def __init__(self, kind, mode=None, uid=None, gid=None, mtime=None,
                 source=None, data=None, target=None, rdev=None, size=None, sha256=None, why=''):
        self.kind = kind            # dir file symlink fifo char block
        self.mode, self.uid, self.gid, self.mtime = mode, uid, gid, mtime
        self.source = source        # host path of the file that has the content
        self.data = data            # ... or the content itself
        self.target, self.rdev, self.why = target, rdev, why
        self.size, self.sha256 = size, sha256
        if kind == 'file' and size is None:
            self.size = len(data) if data is not None else os.lstat(source).st_size

    def digest(self):
        if self.kind == 'file' and self.sha256 is None:
            self.sha256 = hashlib.sha256(self.data).hexdigest() if self.data is not None else sha256_of(self.source)
        return self.sha256


def sha256_of(path):
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


KINDS = {stat.S_IFDIR: 'dir', stat.S_IFREG: 'file', stat.S_IFLNK: 'symlink', stat.S_IFIFO: 'fifo',
         stat.S_IFCHR: 'char', stat.S_IFBLK: 'block', stat.S_IFSOCK: 'socket'}


def kind_of(status):
    return KINDS.get(stat.S_IFMT(status.st_mode), 'unknown')


def live_copy(real, why):
    """The live object as it is. Times count for regular files only."""
    status = os.lstat(real)
    kind = kind_of(status)
    want = dict(mode=stat.S_IMODE(status.st_mode), uid=status.st_uid, gid=status.st_gid, why=why)
    if kind == 'file':
        return Want('file', mtime=status.st_mtime_ns, source=real, **want)
    if kind == 'symlink':
        return symlink(os.readlink(real), status, why)
    if kind in ('char', 'block'):
        return Want(kind, rdev=status.st_rdev, **want)
    return Want(kind, **want)


def symlink(target, live_status, why):
    """Owner: nothing fixes it; root root where the live one is root's or absent, else left open."""
    root = live_status is None or (live_status.st_uid, live_status.st_gid) == (0, 0)
    owner = 0 if root else None
    return Want('symlink', uid=owner, gid=owner, target=target, why=why)


# ------------------------------------------------------------------ the expectation
class Zone:
    def __init__(self, image, brand, prune_dir=None, overlays=(), packages=(), template=None, template_mode=False):
        self.image = self.source = Image(image)
        self.brand = brand
        self.copied, file_lists, contents_lists = BRANDS[brand]
        lists = load_lists(prune_dir)
        self.prune = Prune(line for name in file_lists for line in lists[name])
        self.prune_contents = Prune(line for name in contents_lists or () for line in lists[name])
        self.template_mode = template_mode
        self.from_template = template is not None
        if (overlays or packages or template_mode) and brand != 'whole-root':
            raise Trouble('-o, -p and --template-mode are for whole-root')
        if packages and not overlays:
            raise Trouble('-p needs -o')
        if template is not None:
            if brand != 'sparse-root':
                raise Trouble('--template is for sparse-root')
            self.source = Image(template)
            self.prune = Prune([])
            # names: the image's own files decide, the template's add what only it has
            self.image.users = {**self.source.users, **self.image.users}
            self.image.groups = {**self.source.groups, **self.image.groups}

        self.text = self.source.read(b'/var/sadm/install/contents')
        log = self.source.regular(b'/var/sadm/install/pkglog')
        if log and log.st_size:
            raise Trouble('var/sadm/install/pkglog is not empty: run pkgadm sync first')
        self.database = {}
        for number, line in enumerate(self.text.split(b'\n'), 1):
            if not is_comment(line):
                entry = parse_line(line, 'contents line %d' % number)
                if entry.path in self.database:
                    raise Trouble('contents line %d: second entry for %s' % (number, show(entry.path)))
                self.database[entry.path] = entry

        self.kept_overlays = self.kept = None      # None: everything is kept
        if overlays:
            self.kept_overlays = self.overlay_closure([b'base'] + list(overlays))
            self.kept = self.kept_packages(packages)
        self.selected = {path: entry for path, entry in self.database.items() if self.is_selected(entry)}
        self.not_made = {}                          # path -> reason, for entries that give nothing
        self.made = {}                              # path -> Want, the answer
        self.build()

    # ---------------------------------------------------------------- what is kept
    def overlay_closure(self, names):
        done, todo = set(), list(names)
        known = {name.rsplit(b'.', 1)[0] for name in self.source.listdir(b'/var/sadm/overlays')
                 if name.endswith((b'.ovl', b'.pkgs'))}
        for name in names:
            if name not in known and name != b'base':
                raise Trouble('unknown overlay %s' % show(name))
        while todo:
            name = todo.pop()
            if name in done or name not in known:
                continue
            done.add(name)
            definition = b'/var/sadm/overlays/' + name + b'.ovl'
            if self.source.regular(definition):
                for line in self.source.read(definition).split(b'\n'):
                    if line.startswith(b'REQUIRES='):
                        todo.append(line[len(b'REQUIRES='):].strip())
        return done

    def kept_packages(self, packages):
        kept = set()
        for name in self.kept_overlays:
            listing = b'/var/sadm/overlays/' + name + b'.pkgs'
            if self.source.regular(listing):
                kept.update(self.source.read(listing).split())
        installed = {package_of(token) for entry in self.database.values() for token in entry.tokens}
        installed.update(self.source.listdir(b'/var/sadm/pkg'))
        for name in packages:
            if name not in installed:
                asked, name = name, self.aliases().get(name)
                if name not in installed:
                    raise Trouble('unknown package %s' % show(asked))
            kept.add(name)
        return kept

    def aliases(self):
        table = {}
        folder = b'/etc/zap/repositories'
        for file in self.source.listdir(folder):
            if file.endswith(b'.aliases') and self.source.regular(join(folder, file)):
                for line in self.source.read(join(folder, file)).split(b'\n'):
                    alias, bar, package = line.strip().partition(b'|')
                    if bar:
                        table.setdefault(alias, package)
        return table

    def keeps(self, token):
        return self.kept is None or package_of(token) in self.kept

    def is_selected(self, entry):
        return (any(is_or_below(entry.path, top) for top in self.copied)
                and not self.prune.hits(entry.path)
                and (self.kept is None or any(self.keeps(token) for token in entry.tokens)))

    # ---------------------------------------------------------------- attributes of an entry
    def attributes(self, entry, live, default_mode):
        """mode, uid, gid from the database; `?`: the live value (live given), else the default."""
        if entry.mode == b'?':
            mode = stat.S_IMODE(live.st_mode) if live else default_mode
        else:
            mode = int(entry.mode, 8)
        if entry.owner == b'?':
            uid = live.st_uid if live else 0
        else:
            uid = self.image.users.get(entry.owner)     # None (unknown name): open
        if entry.group == b'?':
            gid = live.st_gid if live else 0
        else:
            gid = self.image.groups.get(entry.group)
        return dict(mode=mode, uid=uid, gid=gid)

    def pristine(self, entry):
        """The packaged copy kept by the last listed owner that has one: image path, or None."""
        for token in reversed(entry.tokens):
            if not self.keeps(token):
                continue
            package = package_of(token)
            for area in (b'reloc', b'root'):        # root: of packages whose pkgmap has absolute paths
                path = b'/var/sadm/pkg/%s/save/pspool/%s/%s%s' % (package, package, area, entry.path)
                if self.source.regular(path):
                    return path
        return None

    # ---------------------------------------------------------------- one entry -> one object
    def object_of(self, entry):
        """What an entry (not a hard link) becomes; None, with the reason noted, if nothing."""
        path, live = entry.path, self.source.lstat(entry.path)
        regular = self.source.regular(path)
        if entry.kind in b'dx':
            directory = live if live and stat.S_ISDIR(live.st_mode) else None
            return Want('dir', **self.attributes(entry, directory, 0o755), why='packaged directory')
        if entry.kind == b's':
            if live and stat.S_ISLNK(live.st_mode):
                return symlink(os.readlink(self.source.real(path)), live, 'live symlink')
            return symlink(entry.target, None, 'recorded symlink')
        if entry.kind in b'ev':
            copy = self.pristine(entry)
            if copy:
                seconds = entry.mtime
                mtime = self.source.lstat(copy).st_mtime_ns if seconds == b'?' else int(seconds) * 10**9
                return Want('file', **self.attributes(entry, regular, 0o644), mtime=mtime,
                            source=self.source.real(copy), why='pristine copy')
        if entry.kind in b'fev':
            if regular:
                return Want('file', **self.attributes(entry, regular, 0o644), mtime=regular.st_mtime_ns,
                            source=self.source.real(path), why='live content')
            self.not_made[path] = 'no live file'
            return None
        kind = {b'p': 'fifo', b'c': 'char', b'b': 'block'}[entry.kind]
        if live and kind_of(live) == kind:
            return live_copy(self.source.real(path), 'live ' + kind)
        self.not_made[path] = 'no live ' + kind
        return None

    def link(self, entry, seen=()):
        """What a hard link becomes: the very object of its target if that is made, else a copy."""
        target = self.database.get(normalise(entry.target if entry.target.startswith(b'/')
                                             else parent(entry.path) + b'/' + entry.target))
        own = self.source.regular(entry.path)
        if target is None:
            if own:
                return live_copy(self.source.real(entry.path), 'hard link to an unpackaged file: live copy')
            self.not_made[entry.path] = 'hard link to an unpackaged file, and no live file'
            return None
        if target.path in seen or target.kind in b'dx':
            self.not_made[entry.path] = 'hard link to a directory or to itself'
            return None
        if target.kind == b'l':
            if target.path in self.made:
                return self.made[target.path]
            found = self.link(target, seen + (entry.path,))
            if found is not None and target.path in self.selected:
                self.made[target.path] = found
        elif target.path in self.made:
            return self.made[target.path]
        elif target.path in self.selected:
            found = None                            # selected, but nothing live to make it from
        else:
            found = self.object_of(target)
            self.not_made.pop(target.path, None)    # never asked for under its own name
        if found is None and own and target.kind in b'fev':
            found = Want('file', **self.attributes(target, own, 0o644), mtime=own.st_mtime_ns,
                         source=self.source.real(entry.path), why='hard link, target gone')
        if found is None:
            self.not_made[entry.path] = 'hard link, and no target'
        return found

    # ---------------------------------------------------------------- the whole
    def build(self):
        made = self.made
        for path, entry in self.selected.items():
            if entry.kind != b'l':
                want = self.object_of(entry)
                if want:
                    made[path] = want
        for path, entry in self.selected.items():
            if entry.kind == b'l' and path not in made:
                want = self.link(entry)
                if want:
                    made[path] = want
        for path in list(made):                     # nothing is made through a symlink or a file
            for above in ancestors(path):
                if above in made and made[above].kind != 'dir':
                    self.not_made[path] = '%s is no directory' % show(above)
                    del made[path]
                    break

        if self.brand == 'zonelib':
            self.parents()
            self.made = {path[len(b'/lib'):]: want for path, want in made.items() if path != b'/lib'}
            self.made.pop(b'', None)
            self.not_made = {path[len(b'/lib'):]: reason for path, reason in self.not_made.items()}
            return

        root = dict(uid=0, gid=0)
        self.metadata()
        for path in CREATED_DIRS:
            made.setdefault(path, Want('dir', mode=0o755, **root, why='created'))
        made[b'/tmp'] = Want('dir', mode=0o1777, **root, why='created')
        made[b'/bin'] = symlink(b'./usr/bin', None, 'created')
        text = self.text if self.from_template else self.contents()
        made[b'/var/sadm/install/contents'] = Want('file', mode=0o644, **root, data=text, why="the zone's contents")
        folder = b'/etc/zap/repositories'
        for name in self.image.listdir(folder):
            path = join(folder, name)
            if name.endswith(CATALOGUES) and not name.startswith(b'.') and self.image.regular(path):
                made[path] = live_copy(self.image.real(path), 'zap catalogue')
        if not self.template_mode:
            for name, target in PROFILES.items():
                made[b'/etc/svc/profile/' + name + b'.xml'] = symlink(target + b'.xml', None, 'profile')
            seed = b'/lib/svc/seed/nonglobal.db'
            if not self.image.regular(seed):
                raise Trouble('the image has no /lib/svc/seed/nonglobal.db')
            made[b'/etc/svc/repository.db'] = Want('file', mode=0o600, uid=0, gid=self.image.groups.get(b'sys'),
                                                   source=self.image.real(seed), why='seed repository')
        self.parents()

    def parents(self):
        for path in list(self.made):
            for above in ancestors(path):
                self.made.setdefault(above, Want('dir', mode=0o755, uid=0, gid=0, why='implied parent'))

    def metadata(self):
        """var/sadm/pkg without the packages' save, var/sadm/overlays; the database's own entries win."""
        left_out = set(PACKAGES_IGNORED)
        if b'/opt' in self.database:
            left_out |= {package_of(token) for token in self.database[b'/opt'].tokens} - {b'SUNWcs'}
        if self.from_template:
            left_out = set()
        for package in self.source.listdir(b'/var/sadm/pkg'):
            if package in left_out or not (self.kept is None or package in self.kept):
                continue
            top = b'/var/sadm/pkg/' + package
            self.live_tree(top, skip={top + b'/save'})
        skip = set()
        if self.kept_overlays is not None:
            installed = b'/var/sadm/overlays/installed'
            skip = {join(installed, name) for name in self.source.listdir(installed) if name not in self.kept_overlays}
        if self.source.directory(b'/var/sadm/overlays'):
            self.live_tree(b'/var/sadm/overlays', skip)

    def live_tree(self, path, skip):
        """A path and all below it as it is live. `skip`: exact paths; a package's `save` only if a directory."""
        status = self.source.lstat(path)
        if path == b'/var/sadm/overlays' and stat.S_ISLNK(status.st_mode):
            status = os.lstat(self.source.top + self.source.directory(path))
        if path in skip and (stat.S_ISDIR(status.st_mode) or not is_or_below(path, b'/var/sadm/pkg')):
            return
        if stat.S_ISSOCK(status.st_mode):
            return
        if stat.S_ISDIR(status.st_mode):
            self.made.setdefault(path, Want('dir', mode=stat.S_IMODE(status.st_mode), uid=status.st_uid,
                                            gid=status.st_gid, why='package metadata'))
            for name in self.source.listdir(path):
                self.live_tree(join(path, name), skip)
        else:
            self.made.setdefault(path, live_copy(self.source.real(path), 'package metadata'))

    def contents(self):
        """The image's contents without what the zone has not; byte for byte otherwise."""
        out = []
        for line in self.text.split(b'\n'):
            if is_comment(line):
                out.append(line)
                continue
            entry = parse_line(line, 'contents')
            if any(is_or_below(entry.path, top) for top in PREFIXES_DROPPED) or self.prune_contents.hits(entry.path):
                continue
            if self.kept is not None:
                if not any(self.keeps(token) for token in entry.tokens):
                    continue
                if not all(self.keeps(token) for token in entry.tokens):
                    # fields and the blanks before them; drop a token with its blanks
                    pieces = re.findall(rb'[ \t]*[^ \t]+', line)
                    first = len(pieces) - len(entry.tokens)
                    line = b''.join(pieces[:first] + [piece for piece in pieces[first:] if self.keeps(piece.strip(b' \t'))])
            out.append(line)
        return b'\n'.join(out)


# ------------------------------------------------------------------ JSON
def text_of(raw):
    return raw.decode('utf-8', 'surrogateescape')


def raw_of(text):
    return text.encode('utf-8', 'surrogateescape')


def to_json(zone):
    groups = collections.defaultdict(list)
    for path, want in sorted(zone.made.items()):
        groups[id(want)].append(path)
    paths = {}
    for path, want in sorted(zone.made.items()):
        item = dict(kind=want.kind, mode=None if want.mode is None else '%04o' % want.mode, uid=want.uid,
                    gid=want.gid, mtime_ns=want.mtime, why=want.why)
        if want.kind == 'file':
            item.update(size=want.size, sha256=want.digest())
        if want.kind == 'symlink':
            item.update(target=text_of(want.target))
        if want.rdev is not None:
            item.update(rdev=want.rdev)
        if len(groups[id(want)]) > 1:
            item.update(link_group=text_of(groups[id(want)][0]))
        paths[text_of(path)] = item
    return dict(brand=zone.brand, paths=paths,
                not_made={text_of(path): reason for path, reason in sorted(zone.not_made.items())})


def from_json(document):
    made, groups = {}, {}
    for path, item in document['paths'].items():
        group = item.get('link_group')
        if group is not None and group in groups:
            made[raw_of(path)] = groups[group]
            continue
        want = Want(item['kind'], None if item['mode'] is None else int(item['mode'], 8), item['uid'], item['gid'],
                    item['mtime_ns'], target=raw_of(item['target']) if 'target' in item else None,
                    rdev=item.get('rdev'), size=item.get('size'), sha256=item.get('sha256'), why=item['why'])
        made[raw_of(path)] = want
        if group is not None:
            groups[group] = want
    return made


# ------------------------------------------------------------------ comparing
def walk(top):
    """path -> lstat of everything below top; no symlink is followed."""
    found, todo = {}, [b'']
    while todo:
        directory = todo.pop()
        for name in os.listdir(top + (directory or b'/')):
            path = directory + b'/' + name
            found[path] = os.lstat(top + path)
            if stat.S_ISDIR(found[path].st_mode):
                todo.append(path)
    return found


def show(raw):
    """Printable on one line, whatever the bytes."""
    text = raw.decode('utf-8', 'backslashreplace')
    return ''.join(c if c.isprintable() or c == '\u00a0' else c.encode('unicode_escape').decode() for c in text)


def show_set(paths):
    return '{' + ' '.join(show(path) for path in sorted(paths)) + '}'


def first_difference(want, real):
    """None if the content is the wanted one, else (expected, found) to print. Sizes are equal."""
    if want.source is None and want.data is None:
        digest = sha256_of(real)
        return None if digest == want.digest() else (want.digest(), digest)
    if want.data is not None:
        with open(real, 'rb') as file:
            there = file.read()
        if there == want.data:
            return None
        at = next(i for i, (a, b) in enumerate(zip(want.data, there)) if a != b)
        line = want.data.count(b'\n', 0, at) + 1
        begin = want.data.rfind(b'\n', 0, at) + 1
        return (show(want.data[begin:].split(b'\n')[0][:200]), show(there[begin:].split(b'\n')[0][:200]) + ' (line %d)' % line)
    with open(want.source, 'rb', buffering=0) as ours, open(real, 'rb', buffering=0) as theirs:
        offset = 0
        while True:
            a, b = ours.read(1 << 20), theirs.read(1 << 20)
            if a != b:
                at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                return ('content of %s' % show(want.source), 'other bytes from offset %d' % (offset + at))
            if not a:
                return None
            offset += len(a)


def differences(made, root, ignore=None, no_owner=False):
    """Yields (path, what, expected, found)."""
    root = os.fsencode(os.path.abspath(root))
    if not os.path.isdir(root):
        raise Trouble('%s: not a directory' % show(root))
    ignored = ignore.hits if ignore else lambda path: False
    found = walk(root)
    expected_links, found_links = collections.defaultdict(set), collections.defaultdict(set)
    for path, want in made.items():
        expected_links[id(want)].add(path)
    for path, status in found.items():
        if not stat.S_ISDIR(status.st_mode):
            found_links[status.st_dev, status.st_ino].add(path)

    for path in sorted(set(made) | set(found)):
        if ignored(path):
            continue
        want, status = made.get(path), found.get(path)
        if want is None:
            yield path, 'extra', 'nothing', kind_of(status)
            continue
        if status is None:
            yield path, 'missing', '%s (%s)' % (want.kind, want.why), 'nothing'
            continue
        if kind_of(status) != want.kind:
            yield path, 'kind', '%s (%s)' % (want.kind, want.why), kind_of(status)
            continue
        if want.kind == 'symlink':
            target = os.readlink(root + path)
            if target != want.target:
                yield path, 'target', show(want.target), show(target)
        elif want.mode is not None and stat.S_IMODE(status.st_mode) != want.mode:
            yield path, 'mode', '%04o' % want.mode, '%04o' % stat.S_IMODE(status.st_mode)
        if not no_owner:
            if want.uid is not None and status.st_uid != want.uid:
                yield path, 'owner', want.uid, status.st_uid
            if want.gid is not None and status.st_gid != want.gid:
                yield path, 'group', want.gid, status.st_gid
        if want.rdev is not None and status.st_rdev != want.rdev:
            yield (path, 'device', '%d,%d' % (os.major(want.rdev), os.minor(want.rdev)),
                   '%d,%d' % (os.major(status.st_rdev), os.minor(status.st_rdev)))
        if want.mtime is not None and status.st_mtime_ns != want.mtime:
            yield path, 'time', '%d.%09d' % divmod(want.mtime, 10**9), '%d.%09d' % divmod(status.st_mtime_ns, 10**9)
        if want.kind == 'file':
            if status.st_size != want.size:
                yield path, 'size', want.size, status.st_size
            else:
                pair = first_difference(want, root + path)
                if pair:
                    yield path, 'content', pair[0], pair[1]
        if want.kind != 'dir':
            here = {p for p in found_links[status.st_dev, status.st_ino] if p == path or not ignored(p)}
            there = {p for p in expected_links[id(want)] if p == path or not ignored(p)}
            if here != there:
                yield path, 'hard links', show_set(there), show_set(here)
            elif status.st_nlink != len(found_links[status.st_dev, status.st_ino]):
                yield path, 'hard links', '%d names' % len(there), '%d names, some outside the tree' % status.st_nlink


def report(made, root, options):
    lines = []
    if options.postinstall_paths:
        with open(options.postinstall_paths, 'rb') as file:
            lines += file.read().split(b'\n')
    lines += [os.fsencode(path) for path in options.ignore]
    count, paths = 0, set()
    for path, what, expected, found in differences(made, root, Prune(lines), options.no_owner):
        print('%s: %s: expected %s, found %s' % (show(path), what, expected, found))
        count += 1
        paths.add(path)
    print('%d differences in %d paths; %d paths expected' % (count, len(paths), len(made)))
    return 1 if count else 0


# ------------------------------------------------------------------ command line
def main(arguments=None):
    sys.stdout.reconfigure(encoding='utf-8', errors='backslashreplace')
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    expect, compare, check = (commands.add_parser(name) for name in ('expect', 'compare', 'check'))
    for sub in (expect, check):
        sub.add_argument('--image', required=True)
        sub.add_argument('--brand', required=True, choices=sorted(BRANDS))
        sub.add_argument('--prune-dir', help='folder with {lib,sparse,whole,desktop-cache,font}.prune')
        sub.add_argument('-o', dest='overlays', action='append', default=[], metavar='OVL', help='keep an overlay')
        sub.add_argument('-p', dest='packages', action='append', default=[], metavar='PKG', help='keep a package too')
        sub.add_argument('--template', metavar='DIR', help='sparse: take the files from this template')
        sub.add_argument('--template-mode', action='store_true', help='whole: no profiles, no repository')
    for sub in (compare, check):
        sub.add_argument('--ignore', action='append', default=[], metavar='PATH', help='not compared; PATH/ = a tree')
        sub.add_argument('--postinstall-paths', metavar='FILE', help='more of them, one a line')
        sub.add_argument('--no-owner', action='store_true', help='do not compare owner and group')
    expect.add_argument('--summary', action='store_true', help='counts, and what could not be made, instead of JSON')
    compare.add_argument('--expected', required=True, metavar='FILE.json')
    compare.add_argument('--root', dest='root_option', metavar='ROOT')
    compare.add_argument('root', nargs='?')
    check.add_argument('--root', required=True)
    options = parser.parse_args(arguments)
    try:
        if options.command == 'compare':
            root = options.root or options.root_option
            if not root:
                parser.error('which ROOT?')
            with open(options.expected) as file:
                return report(from_json(json.load(file)), root, options)
        zone = Zone(options.image, options.brand, options.prune_dir, [os.fsencode(name) for name in options.overlays],
                    [os.fsencode(name) for name in options.packages], options.template, options.template_mode)
        if options.command == 'check':
            return report(zone.made, options.root, options)
        if options.summary:
            for kind, count in sorted(collections.Counter(want.kind for want in zone.made.values()).items()):
                print('%8d %s' % (count, kind))
            print('%8d expected paths' % len(zone.made))
            for path, reason in sorted(zone.not_made.items()):
                print('not made: %s: %s' % (show(path), reason))
            return 0
        json.dump(to_json(zone), sys.stdout, indent=1)
        print()
        return 0
    except (Trouble, OSError) as trouble:
        print('oracle.py: %s' % trouble, file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
