#!/usr/bin/env python3
"""The oracle against hand-made images: each settled rule, with the answer written by hand.
Run as root (owners, devices): python3 test_oracle.py"""
import contextlib
import hashlib
import io
import json
import os
import shutil
import stat
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import oracle  # noqa: E402

SEC = 10**9
PASSWD = 'root:x:0:0::/:/bin/sh\nlp:x:71:8::/:\nlate:x:2001:10::/:\nlp:x:99:99::/:\n'
GROUP = 'root::0:\nsys::3:\nbin::2:\nlp::8:\nmail::6:\nstaff::10:\n'
EMPTY = dict(lib='', sparse='', whole='', **{'desktop-cache': '/var/svc/manifest/application/desktop-cache/\n',
                                             'font': '/lib/svc/manifest/application/font/\n'})
BASE = '/etc d none 0755 root sys SUNWcs\n/root d none 0700 root root SUNWcs\n/var d none 0755 root sys SUNWcs\n'


def run(*arguments):
    out, err = io.TextIOWrapper(io.BytesIO(), encoding='utf-8'), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = oracle.main([os.fsdecode(a) for a in arguments])
    out.flush()
    return status, out.buffer.getvalue().decode(), err.getvalue()


class Case(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.mkdtemp(dir='/dev/shm' if os.path.isdir('/dev/shm') else None)
        self.image = os.path.join(self.tmp, 'image')
        self.lists = dict(EMPTY)
        os.mkdir(self.image)
        self.file('/etc/passwd', PASSWD)
        self.file('/etc/group', GROUP)
        self.file('/lib/svc/seed/nonglobal.db', 'SEED')

    def tearDown(self):
        shutil.rmtree(self.tmp)

    # ---- making
    def at(self, path):
        real = os.fsencode(self.image) + oracle.raw_of(path)
        os.makedirs(os.path.dirname(real), exist_ok=True)
        return real

    def file(self, path, data='x', mode=0o644, uid=0, gid=0, ns=1000 * SEC):
        real = self.at(path)
        with open(real, 'wb') as file:
            file.write(data.encode())
        os.chown(real, uid, gid)
        os.chmod(real, mode)
        os.utime(real, ns=(ns, ns))

    def dir(self, path, mode=0o755, uid=0, gid=0):
        real = self.at(path)
        os.makedirs(real, exist_ok=True)
        os.chown(real, uid, gid)
        os.chmod(real, mode)

    def pristine(self, package, path, data, ns=500 * SEC):
        self.file('/var/sadm/pkg/%s/save/pspool/%s/reloc%s' % (package, package, path), data, 0o600, 1, 1, ns)

    def zone(self, contents, brand='sparse-root', **more):
        if contents is not None:
            self.file('/var/sadm/install/contents', '')
            with open(self.at('/var/sadm/install/contents'), 'wb') as file:
                file.write(oracle.raw_of(contents))
        folder = os.path.join(self.tmp, 'lists')
        os.makedirs(folder, exist_ok=True)
        for name, text in self.lists.items():
            with open(os.path.join(folder, name + '.prune'), 'w') as file:
                file.write(text)
        self.made = (z := oracle.Zone(self.image, brand, folder, **more)).made
        return z

    # ---- asking
    def want(self, path):
        self.assertIn(oracle.raw_of(path), self.made)
        return self.made[oracle.raw_of(path)]

    def absent(self, *paths):
        for path in paths:
            self.assertNotIn(oracle.raw_of(path), self.made)

    def is_file(self, path, data, mode, uid, gid, ns):
        want = self.want(path)
        self.assertEqual(want.kind, 'file')
        self.assertEqual(want.digest(), hashlib.sha256(data.encode()).hexdigest(), path)
        self.assertEqual(want.size, len(data.encode()))
        self.assertEqual((want.mode, want.uid, want.gid, want.mtime), (mode, uid, gid, ns), path)

    def is_dir(self, path, mode, uid=0, gid=0):
        want = self.want(path)
        self.assertEqual((want.kind, want.mode, want.uid, want.gid, want.mtime), ('dir', mode, uid, gid, None), path)

    def is_link(self, path, target):
        want = self.want(path)
        self.assertEqual((want.kind, want.target), ('symlink', target.encode()))


class Files(Case):
    def test_f_live_content_and_time_database_mode_and_owner(self):
        self.file('/etc/a', 'LIVE', 0o600, 5, 5, 123456789)
        self.zone(BASE + '/etc/a f none 0444 lp mail 9 9 77 P\n')
        self.is_file('/etc/a', 'LIVE', 0o444, 71, 6, 123456789)

    def test_f_never_pristine_question_marks_are_live(self):
        self.file('/etc/a', 'LIVE', 0o4601, 5, 6, 7)
        self.pristine('P', '/etc/a', 'PRISTINE')
        self.zone(BASE + '/etc/a f none ? ? ? ? ? ? P\n')
        self.is_file('/etc/a', 'LIVE', 0o4601, 5, 6, 7)

    def test_f_missing_or_not_a_file(self):
        os.symlink('passwd', self.at('/etc/b'))
        self.dir('/etc/c')
        zone = self.zone(BASE + '/etc/a f none 0444 root sys 9 9 77 P\n/etc/b f none 0444 root sys 9 9 77 P\n/etc/c f none 0444 root sys 9 9 77 P\n')
        self.absent('/etc/a', '/etc/b', '/etc/c')
        self.assertEqual(set(zone.not_made), {b'/etc/a', b'/etc/b', b'/etc/c'})

    def test_names_of_the_first_passwd_line_and_unknown_names(self):
        self.file('/etc/a')
        self.file('/etc/b')
        self.zone(BASE + '/etc/a f none 0444 late sys 1 1 1 P\n/etc/b f none 0444 nobodyknows sys 1 1 1 P\n')
        self.is_file('/etc/a', 'x', 0o444, 2001, 3, 1000 * SEC)
        self.is_file('/etc/b', 'x', 0o444, None, 3, 1000 * SEC)

    def test_unowned_files_never(self):
        self.file('/etc/stray')
        self.zone(BASE)
        self.absent('/etc/stray', '/etc/passwd')

    def test_odd_names(self):
        for name in ('latin1-\udce9\udcff', "q'`$(id)`'\";x", 'hash#tag', 'bang!', 'nbsp\u00a0name'):
            self.file('/etc/' + name, 'L')
        self.file('/etc/name with spaces', 'L')
        self.zone(BASE + ''.join('/etc/%s f none 0644 root sys 1 1 1 P\n' % n for n in
                                 ('latin1-\udce9\udcff', "q'`$(id)`'\";x", 'hash#tag', 'bang!', 'nbsp\u00a0name')))
        for name in ('latin1-\udce9\udcff', "q'`$(id)`'\";x", 'hash#tag', 'bang!', 'nbsp\u00a0name'):
            self.is_file('/etc/' + name, 'L', 0o644, 0, 3, 1000 * SEC)
        self.absent('/etc/name with spaces')


class Editable(Case):
    def test_pristine_with_database_attributes_and_time(self):
        self.file('/etc/a', 'LIVE', 0o666, 5, 5, 9)
        self.pristine('P', '/etc/a', 'PRISTINE')
        self.file('/var/v', 'LIVE', 0o666, 5, 5, 9)
        self.pristine('P', '/var/v', 'EMPTY LOG')
        self.zone(BASE + '/etc/a e none 4640 lp mail 8 8 4102444800 P\n/var/v v none 0600 root sys 8 8 0 P\n')
        self.is_file('/etc/a', 'PRISTINE', 0o4640, 71, 6, 4102444800 * SEC)
        self.is_file('/var/v', 'EMPTY LOG', 0o600, 0, 3, 0)

    def test_last_listed_owner_that_has_one(self):
        for package, text in (('A', 'a'), ('B', 'b'), ('C', 'c')):
            self.pristine(package, '/etc/a', text)
        self.file('/etc/b', 'LIVE')
        self.pristine('A', '/etc/b', 'a')
        self.pristine('Z', '/etc/b', 'not an owner')
        self.zone(BASE + '/etc/a e none 0644 root sys 1 1 5 C A ~B\\:cls NONE\n/etc/b e none 0644 root sys 1 1 5 A:build C\n')
        self.is_file('/etc/a', 'b', 0o644, 0, 3, 5 * SEC)
        self.is_file('/etc/b', 'a', 0o644, 0, 3, 5 * SEC)

    def test_whatever_the_live_object_is(self):
        os.symlink('/etc/passwd', self.at('/etc/link'))
        self.dir('/etc/dir')
        self.file('/etc/dir/inside')
        for name in ('link', 'dir', 'gone'):
            self.pristine('P', '/etc/' + name, 'PRISTINE')
        self.zone(BASE + ''.join('/etc/%s e none 0640 lp sys 8 8 5 P\n' % n for n in ('dir', 'gone', 'link')))
        for name in ('link', 'dir', 'gone'):
            self.is_file('/etc/' + name, 'PRISTINE', 0o640, 71, 3, 5 * SEC)
        self.absent('/etc/dir/inside')

    def test_question_marks(self):
        self.file('/etc/a', 'LIVE', 0o4601, 5, 6, 9)
        self.pristine('P', '/etc/a', 'PRISTINE', 123456789)
        self.pristine('P', '/etc/b', 'PRISTINE', 987654321)
        self.zone(BASE + '/etc/a e none ? ? ? ? ? ? P\n/etc/b e none ? ? ? ? ? ? P\n')
        self.is_file('/etc/a', 'PRISTINE', 0o4601, 5, 6, 123456789)
        self.is_file('/etc/b', 'PRISTINE', 0o644, 0, 0, 987654321)

    def test_without_a_pristine_copy(self):
        self.file('/etc/a', 'LIVE', 0o666, 5, 5, 123456789)
        os.symlink('a', self.at('/etc/b'))
        self.zone(BASE + '/etc/a e none 0640 lp mail 8 8 5 P\n/etc/b e none 0644 root sys 8 8 5 P\n/etc/c e none 0644 root sys 8 8 5 P\n')
        self.is_file('/etc/a', 'LIVE', 0o640, 71, 6, 123456789)
        self.absent('/etc/b', '/etc/c')

    def test_reloc_in_the_path_and_stale_pspool(self):
        self.pristine('P', '/etc/reloc.conf', '1')
        self.pristine('P', '/etc/reloc/etc/x', '2')
        self.pristine('P', '/etc/stale', '3')
        self.zone(BASE + '/etc/reloc.conf e none 0644 root sys 1 1 5 P\n/etc/reloc/etc/x e none 0644 root sys 1 1 5 P\n')
        self.is_file('/etc/reloc.conf', '1', 0o644, 0, 3, 5 * SEC)
        self.is_file('/etc/reloc/etc/x', '2', 0o644, 0, 3, 5 * SEC)
        self.absent('/etc/stale', '/etc/x')

    def test_under_every_copied_directory(self):
        text = BASE + '/lib d none 0755 root bin P\n/sbin d none 0755 root bin P\n/usr d none 0755 root sys P\n'
        for top in ('/lib', '/sbin', '/usr'):
            self.file(top + '/e', 'LIVE')
            self.pristine('P', top + '/e', 'PRISTINE')
            text += top + '/e e none 0644 root sys 8 8 5 P\n'
        self.zone(text, 'whole-root')
        for top in ('/lib', '/sbin', '/usr'):
            self.is_file(top + '/e', 'PRISTINE', 0o644, 0, 3, 5 * SEC)
        self.zone(text, 'zonelib')
        self.is_file('/e', 'PRISTINE', 0o644, 0, 3, 5 * SEC)
        self.zone(text)
        self.absent('/lib/e', '/sbin/e', '/usr/e')


class Others(Case):
    def test_symlinks(self):
        os.symlink('live', self.at('/etc/a'))
        self.file('/etc/b')
        self.zone(BASE + '/etc/a=recorded s none P\n/etc/b=rec=orded s none P\n/etc/c=../x s none P\n')
        self.is_link('/etc/a', 'live')
        self.is_link('/etc/b', 'rec=orded')
        self.is_link('/etc/c', '../x')
        self.assertEqual((self.want('/etc/a').uid, self.want('/etc/a').mode, self.want('/etc/a').mtime), (0, None, None))

    def test_nothing_is_made_below_a_symlink(self):
        os.symlink('/var', self.at('/etc/a'))
        self.file('/var/b')
        self.zone(BASE + '/etc/a=/var s none P\n/etc/a/b f none 0644 root sys 1 1 1 P\n')
        self.is_link('/etc/a', '/var')
        self.absent('/etc/a/b')

    def test_directories(self):
        self.dir('/etc/d', 0o777, 5, 5)
        self.dir('/etc/q', 0o711, 5, 6)
        self.zone(BASE + '/etc/d d none 2750 lp mail P\n/etc/q x none ? ? ? P\n')
        self.is_dir('/etc/d', 0o2750, 71, 6)
        self.is_dir('/etc/q', 0o711, 5, 6)

    def test_directory_live_a_symlink_is_a_directory_read_through(self):
        self.file('/var/else/data', 'LIVE')
        self.file('/export/data2', 'LIVE2')
        self.file('/export/private', 'NO')
        os.symlink('else', self.at('/var/moved'))
        os.symlink('/export/../../../export', self.at('/var/abs'))     # as chroot sees it
        zone = self.zone(BASE + '/var/abs d none 0700 root sys P\n/var/abs/data2 f none 0600 root sys 1 1 1 P\n'
                         '/var/moved d none 0750 root mail P\n/var/moved/data f none 0644 root sys 1 1 1 P\n')
        self.is_dir('/var/moved', 0o750, 0, 6)
        self.is_file('/var/moved/data', 'LIVE', 0o644, 0, 3, 1000 * SEC)
        self.is_dir('/var/abs', 0o700, 0, 3)
        self.is_file('/var/abs/data2', 'LIVE2', 0o600, 0, 3, 1000 * SEC)
        self.absent('/var/else', '/var/abs/private')
        os.symlink('loop2', self.at('/var/loop1'))
        os.symlink('loop1', self.at('/var/loop2'))
        self.assertIsNone(zone.image.directory(b'/var/loop1'))

    def test_implied_parents(self):
        self.file('/etc/i/deep/f')
        self.zone(BASE + '/etc/i/deep/f f none 0644 root sys 1 1 1 P\n')
        self.is_dir('/etc/i', 0o755)
        self.is_dir('/etc/i/deep', 0o755)

    def test_pipes_and_devices_live(self):
        os.mkfifo(self.at('/etc/p'))
        os.chown(self.at('/etc/p'), 5, 6)
        os.chmod(self.at('/etc/p'), 0o640)
        os.mknod(self.at('/etc/c'), stat.S_IFCHR | 0o600, os.makedev(9, 8))
        self.zone(BASE + '/etc/c c none 13 2 0666 lp lp P\n/etc/c2 c none ? ? 0600 root sys P\n/etc/p p none 0600 lp lp P\n')
        want = self.want('/etc/p')
        self.assertEqual((want.kind, want.mode, want.uid, want.gid), ('fifo', 0o640, 5, 6))
        self.assertEqual((self.want('/etc/c').kind, self.want('/etc/c').rdev), ('char', os.makedev(9, 8)))
        self.absent('/etc/c2')


class HardLinks(Case):
    TEXT = (BASE + '/etc/a f none 0444 lp mail 1 1 1 P\n/etc/abs=/etc/a l none P\n/etc/chain=sub/rel l none P\n'
            '/etc/sub d none 0755 root sys P\n/etc/sub/rel=../a l none P\n/etc/tool=../usr/tool l none P\n'
            '/usr d none 0755 root sys P\n/usr/tool f none 2555 lp sys 1 1 1 P\n/usr/t2=tool l none P\n')

    def setUp(self):
        super().setUp()
        self.file('/etc/a', 'A', 0o600)
        self.file('/usr/tool', 'TOOL', 0o600, ns=42)
        self.dir('/etc/sub')
        for link, target in (('/etc/abs', '/etc/a'), ('/etc/sub/rel', '/etc/a'), ('/etc/chain', '/etc/a'),
                             ('/etc/tool', '/usr/tool'), ('/usr/t2', '/usr/tool'), ('/etc/junk', '/etc/a')):
            os.link(self.at(target), self.at(link))

    def same(self, *paths):
        self.assertEqual(len({id(self.want(path)) for path in paths}), 1, paths)

    def test_joined_or_copied(self):
        self.zone(self.TEXT)
        self.same('/etc/a', '/etc/abs', '/etc/sub/rel', '/etc/chain')
        self.is_file('/etc/abs', 'A', 0o444, 71, 6, 1000 * SEC)
        self.is_file('/etc/tool', 'TOOL', 0o2555, 71, 3, 42)
        self.absent('/etc/junk')

    def test_across_copied_directories(self):
        self.zone(self.TEXT, 'whole-root')
        self.same('/etc/tool', '/usr/tool', '/usr/t2')

    def test_target_pruned(self):
        self.lists['whole'] = '/usr/tool\n'
        self.zone(self.TEXT, 'whole-root')
        self.absent('/usr/tool')
        self.is_file('/usr/t2', 'TOOL', 0o2555, 71, 3, 42)
        self.assertIsNot(self.want('/usr/t2'), self.want('/etc/tool'))

    def test_middle_of_a_chain_pruned(self):
        self.lists['sparse'] = '/etc/sub/rel\n'
        self.zone(self.TEXT)
        self.absent('/etc/sub/rel')
        self.same('/etc/a', '/etc/chain')

    def test_to_an_editable_file_is_the_pristine_one(self):
        self.pristine('P', '/etc/a', 'PRISTINE')
        self.zone(self.TEXT.replace('/etc/a f', '/etc/a e'))
        self.same('/etc/a', '/etc/abs')
        self.is_file('/etc/abs', 'PRISTINE', 0o444, 71, 6, 1 * SEC)

    def test_loop(self):
        zone = self.zone(BASE + '/etc/x=y l none P\n/etc/y=x l none P\n')
        self.absent('/etc/x', '/etc/y')
        self.assertEqual(len(zone.not_made), 2)


class Selection(Case):
    def test_prefixes_are_whole_components(self):
        text = BASE
        for top in ('/etcetera', '/rootfs', '/variants', '/libexec', '/sbin.old', '/usrlocal'):
            self.file(top + '/f')
            text += '%s d none 0755 root sys P\n%s/f f none 0644 root sys 1 1 1 P\n' % (top, top)
        for brand in ('sparse-root', 'whole-root'):
            self.zone(text, brand)
            self.absent('/etcetera', '/rootfs/f', '/variants/f', '/libexec/f', '/sbin.old/f', '/usrlocal/f')
        self.zone(text, 'zonelib')
        self.assertEqual(self.made, {})

    def test_prune_exact_and_trees(self):
        self.lists['sparse'] = '# a comment\n\n  /etc/system  \netc/mach\n/etc/sub\n/etc/tree/\n'
        names = ['system', 'system.d/x', 'mach', 'machines', 'sub/x', 'tree/a/b', 'treetop']
        for name in names:
            self.file('/etc/' + name)
        self.zone(BASE + ''.join('/etc/%s f none 0644 root sys 1 1 1 P\n' % n for n in names)
                  + '/etc/keep d none 0711 root sys P\n/etc/sub d none 0700 lp lp P\n/etc/tree d none 0755 root sys P\n/etc/ln=system s none P\n')
        self.absent('/etc/system', '/etc/mach', '/etc/tree', '/etc/tree/a/b', '/etc/tree/a')
        for kept in ('/etc/system.d/x', '/etc/machines', '/etc/treetop', '/etc/sub/x', '/etc/ln'):
            self.want(kept)
        self.is_dir('/etc/sub', 0o755)              # pruned itself: an implied parent now
        self.is_dir('/etc/keep', 0o711, 0, 3)             # packaged, stays although empty

    def test_lists_by_brand(self):
        self.lists.update(lib='/lib/a\n/etc/fromlib\n', sparse='/etc/a\n', whole='/usr/a\n')
        paths = ['/etc/a', '/etc/fromlib', '/lib/a', '/lib/b', '/lib/svc/manifest/application/font/x.xml', '/usr/a',
                 '/var/svc/manifest/application/desktop-cache/y.xml']
        for path in paths:
            self.file(path)
        text = BASE + ''.join('%s f none 0644 root sys 1 1 1 P\n' % path for path in paths)
        self.zone(text)
        self.absent('/etc/a', '/var/svc/manifest/application/desktop-cache/y.xml', '/var/svc/manifest/application/desktop-cache')
        self.want('/etc/fromlib')
        left = [line.split(b' ')[0] for line in self.want('/var/sadm/install/contents').data.split(b'\n')[3:]]
        self.assertEqual(left, [b'/lib/b', b'/usr/a', b''])
        self.zone(text, 'whole-root')
        self.absent('/etc/a', '/lib/a', '/usr/a', '/etc/fromlib')
        self.want('/lib/svc/manifest/application/font/x.xml')
        self.want('/var/svc/manifest/application/desktop-cache/y.xml')
        self.zone(text, 'zonelib')
        self.assertEqual(set(self.made), {b'/b'})


class Contents(Case):
    def test_bytes_order_and_comments(self):
        self.lists['sparse'] = '/etc/gone\n'
        head = '# first\n'
        keep = ('/bootstrap d none 0755 root sys P\n/etc d  none 0755 root sys P\n/etc/gone2=/etc/gone s none P\n'
                '/kernel.d d none 0755 root sys P\n\n# in between\n/optional d none 0755 root sys P\n/usr/l=../etc/gone s none P\n')
        drop = ('/boot d none 0755 root sys P\n/devices/x c none 1 2 0600 root sys P\n/kernel/k f none 0644 root sys 1 1 1 P\n'
                '/opt d none 0755 root sys P\n/platform d none 0755 root sys P\n/etc/gone=x s none P\n')
        tail = '# Last modified by pkgadd for P package\n# Tue Mar  3 12:59:59 2026'
        self.zone(head + keep + drop + tail)
        want = self.want('/var/sadm/install/contents')
        self.assertEqual(want.data.decode(), head + keep + tail)
        self.assertEqual((want.mode, want.uid, want.gid, want.mtime), (0o644, 0, 0, None))

    def test_bad_lines_are_refused(self):
        for bad in ('/etc/a f none 0644 root sys\n', '/etc/a q none P\n', 'etc/a d none 0755 root sys P\n', '/etc/a s none P\n'):
            with self.assertRaises(oracle.Trouble):
                self.zone(BASE + bad)


class Overlays(Case):
    TEXT = (BASE.replace('SUNWcs\n', 'SUNWcs TRIBx\n') + '/etc/c d none 0700 lp lp TRIBx\n/etc/c/k f none 0644 root sys 1 1 1 TRIBlibsigc++\n'
            '/etc/m f none 0644 root sys 1 1 1 *SUNWcs:none TRIBx ~TRIBlibsigc++\\:sed\n/etc/n f none 0644 root sys 1 1 1 TRIBx\n'
            '/etc/o f none 0644 root sys 1 1 1 TRIBfixXdot\n# end\n')

    def setUp(self):
        super().setUp()
        for path in ('/etc/c/k', '/etc/m', '/etc/n', '/etc/o'):
            self.file(path)
        for name, requires, packages in (('base', [], 'SUNWcs'), ('a', ['b', 'nowhere'], 'TRIBfix.dot\nTRIBnot-installed'),
                                         ('b', ['a'], 'TRIBlibsigc++'), ('z', [], 'TRIBx')):
            self.file('/var/sadm/overlays/%s.ovl' % name, 'NAME=n\n' + ''.join('REQUIRES=%s\n' % r for r in requires))
            self.file('/var/sadm/overlays/%s.pkgs' % name, packages + '\n')
            if name != 'b':
                self.file('/var/sadm/overlays/installed/' + name, '')
        for package in ('SUNWcs', 'TRIBx', 'TRIBlibsigc++'):
            self.file('/var/sadm/pkg/%s/pkginfo' % package, package)
        self.file('/etc/zap/repositories/r.aliases', 'ex|TRIBx\n')

    def test_closure_tokens_metadata_markers(self):
        self.zone(self.TEXT, 'whole-root', overlays=[b'a'])     # a and b require each other
        self.want('/etc/c/k')
        self.is_dir('/etc/c', 0o755)                # its package is not kept: an implied parent
        self.want('/etc/m')
        self.absent('/etc/n', '/etc/o', '/var/sadm/pkg/TRIBx', '/var/sadm/overlays/installed/z', '/var/sadm/overlays/installed/b')
        for kept in ('/var/sadm/pkg/SUNWcs/pkginfo', '/var/sadm/pkg/TRIBlibsigc++/pkginfo', '/var/sadm/overlays/z.ovl',
                     '/var/sadm/overlays/installed/base', '/var/sadm/overlays/installed/a'):
            self.want(kept)
        self.assertEqual(self.want('/var/sadm/install/contents').data.decode(),
                         BASE + '/etc/c/k f none 0644 root sys 1 1 1 TRIBlibsigc++\n'
                         '/etc/m f none 0644 root sys 1 1 1 *SUNWcs:none ~TRIBlibsigc++\\:sed\n# end\n')

    def test_base_always_and_single_packages(self):
        self.zone(self.TEXT, 'whole-root', overlays=[b'base'])
        self.absent('/etc/c', '/etc/n')
        self.zone(self.TEXT, 'whole-root', overlays=[b'base'], packages=[b'ex'])
        self.want('/etc/n')
        self.is_dir('/etc/c', 0o700, 71, 8)
        self.want('/var/sadm/pkg/TRIBx/pkginfo')
        self.absent('/var/sadm/overlays/installed/z')

    def test_refused(self):
        for more in (dict(overlays=[b'nope']), dict(packages=[b'TRIBx']), dict(overlays=[b'a'], packages=[b'nope'])):
            with self.assertRaises(oracle.Trouble):
                self.zone(self.TEXT, 'whole-root', **more)
        with self.assertRaises(oracle.Trouble):
            self.zone(self.TEXT, overlays=[b'a'])

    def test_pristine_of_kept_owners_only(self):
        self.pristine('TRIBx', '/etc/m', 'x')
        self.pristine('SUNWcs', '/etc/m', 'cs')
        text = self.TEXT.replace('/etc/m f', '/etc/m e')
        self.zone(text, 'whole-root')
        self.is_file('/etc/m', 'x', 0o644, 0, 3, SEC)
        self.zone(text, 'whole-root', overlays=[b'base'])
        self.is_file('/etc/m', 'cs', 0o644, 0, 3, SEC)


class Around(Case):
    def test_created(self):
        self.zone(BASE + '/tmp d none 0777 root sys P\n/usr d none 0711 lp lp P\n/var/sadm/pkg d none 0555 root sys P\n')
        for path in ('/usr', '/lib', '/mnt', '/sbin', '/export'):
            self.is_dir(path, 0o755)
        self.is_dir('/var/sadm/pkg', 0o555, 0, 3)
        self.is_dir('/tmp', 0o1777)
        self.is_link('/bin', './usr/bin')
        self.is_dir('/var/sadm', 0o755)
        self.is_dir('/root', 0o700)
        self.zone(BASE + '/usr d none 0711 lp lp P\n', 'whole-root')
        self.is_dir('/usr', 0o711, 71, 8)
        self.is_dir('/lib', 0o755)

    def test_profiles_and_repository(self):
        os.symlink('generic_open.xml', self.at('/etc/svc/profile/generic.xml'))
        self.file('/etc/svc/repository.db', 'GLOBAL')
        text = BASE + '/etc/svc/profile d none 0755 root sys P\n'
        for brand in ('sparse-root', 'whole-root'):
            self.zone(text, brand)
            for name, target in (('name_service', 'ns_files'), ('generic', 'generic_limited_net'),
                                 ('inetd_services', 'inetd_generic'), ('platform', 'platform_none')):
                self.is_link('/etc/svc/profile/%s.xml' % name, target + '.xml')
            self.is_file('/etc/svc/repository.db', 'SEED', 0o600, 0, 3, None)
        self.zone(text, 'whole-root', template_mode=True)
        self.absent('/etc/svc/repository.db', '/etc/svc/profile/generic.xml')
        self.want('/bin')

    def test_catalogues(self):
        for name in ('a.catalog', 'a.aliases', 'a.overlays', 'a.filelist.bz2', 'a.catalog.bak', 'a.repo', '.h.catalog'):
            self.file('/etc/zap/repositories/' + name, name, 0o640, 5, 6, 123456789)
        self.zone(BASE)
        for name in ('a.catalog', 'a.aliases', 'a.overlays', 'a.filelist.bz2'):
            self.is_file('/etc/zap/repositories/' + name, name, 0o640, 5, 6, 123456789)
        self.absent('/etc/zap/repositories/a.catalog.bak', '/etc/zap/repositories/a.repo', '/etc/zap/repositories/.h.catalog')
        self.is_dir('/etc/zap/repositories', 0o755)

    def test_package_metadata(self):
        for package in ('SUNWcs', 'SUNWcsd', 'P', 'save', 'TRIBopt', 'TRIBbelow', 'TRIBdev-dtrace-toolkit', 'SUNWvbox'):
            self.file('/var/sadm/pkg/%s/pkginfo' % package, package, 0o640, 5, 6, 123456789)
            self.file('/var/sadm/pkg/%s/save/pspool/x' % package)
        self.file('/var/sadm/pkg/P/install/save', 'kept')
        self.file('/var/sadm/pkg/P/install/deep/save/x', 'kept')
        self.file('/var/sadm/overlays/save', 'kept')
        self.file('/var/sadm/overlays/installed/save', '')
        self.dir('/var/sadm/pkg/P', 0o711, 5, 6)
        os.symlink('../P', self.at('/var/sadm/pkg/P/ln'))
        opt = ('/opt d none 0755 root sys *TRIBopt\\:none SUNWcs SUNWcsd:x\n/opt/x d none 0755 root sys TRIBbelow\n')
        for brand in ('sparse-root', 'whole-root'):
            self.zone(BASE + opt, brand)
            self.is_file('/var/sadm/pkg/P/pkginfo', 'P', 0o640, 5, 6, 123456789)
            self.is_dir('/var/sadm/pkg/P', 0o711, 5, 6)
            self.is_link('/var/sadm/pkg/P/ln', '../P')
            for kept in ('/var/sadm/pkg/P/install/save', '/var/sadm/pkg/P/install/deep/save/x', '/var/sadm/pkg/save/pkginfo',
                         '/var/sadm/overlays/save', '/var/sadm/overlays/installed/save', '/var/sadm/pkg/SUNWcs/pkginfo',
                         '/var/sadm/pkg/TRIBbelow/pkginfo'):
                self.want(kept)
            self.absent('/var/sadm/pkg/P/save', '/var/sadm/pkg/P/save/pspool/x', '/var/sadm/pkg/save/save', '/var/sadm/pkg/TRIBopt',
                        '/var/sadm/pkg/SUNWcsd', '/var/sadm/pkg/TRIBdev-dtrace-toolkit', '/var/sadm/pkg/SUNWvbox/pkginfo')

    def test_zonelib_is_only_lib(self):
        self.file('/lib/a/b')
        self.file('/lib/stray')
        self.zone(BASE + '/lib d none 0755 root bin P\n/lib/a d none 0511 root bin P\n/lib/a/b f none 0644 root sys 1 1 1 P\n', 'zonelib')
        self.assertEqual(set(self.made), {b'/a', b'/a/b'})
        self.is_dir('/a', 0o511, 0, 2)

    def test_template(self):
        template = os.path.join(self.tmp, 'template')
        self.image, image = template, self.image
        self.file('/etc/passwd', PASSWD)
        self.file('/etc/a', 'CUSTOM', 0o600, ns=77)
        self.file('/var/sadm/pkg/P/pkginfo', 'P')
        self.file('/var/sadm/install/contents', BASE + '/etc/a e none 0644 root sys 8 8 5 P\n')
        self.image = image
        self.pristine('P', '/etc/a', 'PRISTINE')
        self.zone(BASE, template=template)
        self.is_file('/etc/a', 'CUSTOM', 0o644, 0, 3, 77)
        self.want('/var/sadm/pkg/P/pkginfo')
        self.assertTrue(self.want('/var/sadm/install/contents').data.endswith(b' P\n'))
        self.want('/etc/svc/repository.db')


class Comparing(Case):
    """The expectation laid out as a tree is equal to itself; every single change is seen."""

    def setUp(self):
        super().setUp()
        self.file('/etc/a', 'A' * 3000, ns=5)
        os.link(self.at('/etc/a'), self.at('/etc/b'))
        self.file('/etc/latin\udce9', 'x')
        os.mkfifo(self.at('/etc/p'))
        os.mknod(self.at('/etc/c'), stat.S_IFCHR | 0o600, os.makedev(1, 3))
        self.zone(BASE + '/etc/a f none 0644 root sys 1 1 1 P\n/etc/b=a l none P\n/etc/c c none 1 3 0600 root sys P\n'
                  '/etc/latin\udce9 f none 0644 root sys 1 1 1 P\n/etc/p p none 0600 root root P\n/etc/s=a s none P\n')
        self.root = os.path.join(self.tmp, 'root').encode()
        os.mkdir(self.root)
        first = {}
        for path, want in sorted(self.made.items()):
            real = self.root + path
            if id(want) in first:
                os.link(first[id(want)], real)
                continue
            first[id(want)] = real
            if want.kind == 'dir':
                os.mkdir(real)
            elif want.kind == 'symlink':
                os.symlink(want.target, real)
                continue
            elif want.kind == 'file':
                if want.data is None:
                    shutil.copyfile(want.source, real)
                else:
                    with open(real, 'wb') as file:
                        file.write(want.data)
            elif want.kind == 'fifo':
                os.mkfifo(real)
            else:
                os.mknod(real, stat.S_IFCHR, want.rdev)
            os.chown(real, want.uid, want.gid)
            os.chmod(real, want.mode)
            if want.mtime is not None:
                os.utime(real, ns=(want.mtime, want.mtime))

    def differ(self, **more):
        return [(path, what) for path, what, _, _ in oracle.differences(self.made, self.root, **more)]

    def test_equal_both_ways(self):
        self.assertEqual(self.differ(), [])
        lists = os.path.join(self.tmp, 'lists')
        status, out, _ = run('check', '--image', self.image, '--brand', 'sparse-root', '--prune-dir', lists, '--root', self.root)
        self.assertEqual((status, out.splitlines()[-1].split(';')[0]), (0, '0 differences in 0 paths'))
        status, out, _ = run('expect', '--image', self.image, '--brand', 'sparse-root', '--prune-dir', lists)
        self.assertEqual(status, 0)
        saved = os.path.join(self.tmp, 'e.json')
        with open(saved, 'w') as file:
            file.write(out)
        self.assertEqual(json.loads(out)['paths']['/etc/b']['link_group'], '/etc/a')
        self.assertEqual(run('compare', '--expected', saved, self.root)[0], 0)
        with open(self.root + b'/etc/latin\xe9', 'r+') as file:
            file.write('y')
        os.utime(self.root + b'/etc/latin\xe9', ns=(1000 * SEC, 1000 * SEC))
        status, out, _ = run('compare', '--expected', saved, '--root', self.root)
        self.assertEqual(status, 1)
        self.assertIn('/etc/latin\\xe9: content: expected', out)
        self.assertIn('1 differences in 1 paths', out)

    def test_every_change_is_seen(self):
        r = self.root
        changes = [
            (lambda: os.chmod(r + b'/etc/p', 0o611), b'/etc/p', 'mode'),
            (lambda: os.chown(r + b'/etc', 1, -1), b'/etc', 'owner'),
            (lambda: os.chown(r + b'/var', -1, 1), b'/var', 'group'),
            (lambda: os.lchown(r + b'/etc/s', 1, -1), b'/etc/s', 'owner'),
            (lambda: os.utime(r + b'/etc/latin\xe9', ns=(0, 1000 * SEC + 1)), b'/etc/latin\xe9', 'time'),
            (lambda: os.mkdir(r + b'/extra'), b'/extra', 'extra'),
            (lambda: os.rmdir(r + b'/mnt'), b'/mnt', 'missing'),
            (lambda: (os.unlink(r + b'/bin'), os.symlink(b'usr/bin', r + b'/bin')), b'/bin', 'target'),
            (lambda: (os.unlink(r + b'/etc/c'), os.mknod(r + b'/etc/c', stat.S_IFCHR | 0o600, os.makedev(1, 5))), b'/etc/c', 'device'),
            (lambda: (os.rmdir(r + b'/export'), os.symlink(b'usr', r + b'/export')), b'/export', 'kind'),
            (lambda: os.truncate(r + b'/etc/svc/repository.db', 1), b'/etc/svc/repository.db', 'size'),
            (lambda: os.link(r + b'/etc/svc/repository.db', self.tmp.encode() + b'/outside'), b'/etc/svc/repository.db', 'hard links'),
        ]
        expected = []
        for change, path, what in changes:
            change()
            expected.append((path, what))
            self.assertEqual(sorted(self.differ()), sorted(expected))
        self.assertEqual(self.differ(ignore=oracle.Prune([b'/etc/', b'/var', b'/extra', b'/mnt', b'/bin', b'/export'])), [])
        self.assertEqual([d for d in self.differ(no_owner=True) if d[1] in ('owner', 'group')], [])

    def test_content_and_links(self):
        a, b = self.root + b'/etc/a', self.root + b'/etc/b'
        with open(a, 'r+b') as file:
            file.seek(2000)
            file.write(b'B')
        os.utime(a, ns=(5, 5))
        self.assertEqual(self.differ(), [(b'/etc/a', 'content'), (b'/etc/b', 'content')])
        os.unlink(b)
        shutil.copy2(self.image.encode() + b'/etc/a', b)
        os.chown(b, 0, 3)
        self.assertEqual(self.differ(), [(b'/etc/a', 'content'), (b'/etc/a', 'hard links'), (b'/etc/b', 'hard links')])


if __name__ == '__main__':
    if os.geteuid() != 0:
        raise SystemExit('test_oracle.py makes devices and owners: run it as root')
    unittest.main()
