package affinity

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// A process is in one cgroup of each hierarchy that is mounted. Version 1 has a hierarchy for each controller (or
// for a few together), version 2 has a single one, and a hybrid system has both, each controller being in one of them. Two
// controllers matter here: cpu (the quota) and cpuset (the CPUs).
//
// /proc/self/cgroup names the cgroups, /proc/self/mountinfo says where their files are. The directory to read is
// the mount point plus the cgroup's path less the root of the mount; in a container the root is often the cgroup itself.
// Each directory from there up to the mount point is an ancestor whose limit counts too. What lies above the mount
// point cannot be seen.

// unified stands for the controllers of version 2, which /proc/self/cgroup does not name.
const unified = ""

// A cgroupMount is a mounted cgroup hierarchy, or a part of one.
type cgroupMount struct {
	controllers []string // version 1: the mount's options, controllers among them
	root        string   // the cgroup that is at the mount point
	point       string
}

// maxCgroupMounts bounds what a hostile mountinfo can make us keep.
const maxCgroupMounts = 256

func (t *tree) cgroupMounts() []cgroupMount {
	var mounts []cgroupMount
	collect := func(parse func(string) (cgroupMount, bool)) func(string) bool {
		return func(line string) bool {
			if m, ok := parse(line); ok {
				mounts = append(mounts, m)
			}
			return len(mounts) < maxCgroupMounts
		}
	}
	if !t.lines("proc/self/mountinfo", collect(parseMountinfo)) && !t.lines("proc/self/mounts", collect(parseMounts)) {
		t.lines("proc/mounts", collect(parseMounts))
	}
	return mounts
}

// parseMountinfo reads a line of /proc/self/mountinfo, such as
//
//	36 25 0:31 /docker/4f /sys/fs/cgroup/cpu ro,nosuid master:17 - cgroup cgroup rw,cpu
//
// (identifiers, device, root, mount point, options, any number of optional fields, a hyphen, type, source, options of the
// file system), and reports whether it is a cgroup's.
func parseMountinfo(line string) (cgroupMount, bool) {
	before, after, ok := strings.Cut(line, " - ")
	where, what := strings.Fields(before), strings.Fields(after)
	if !ok || len(where) < 6 || len(what) < 3 {
		return cgroupMount{}, false
	}
	return newMount(what[0], where[3], where[4], what[2])
}

// parseMounts reads a line of /proc/mounts: source, mount point, type, options. It does not tell the root.
func parseMounts(line string) (cgroupMount, bool) {
	f := strings.Fields(line)
	if len(f) < 4 {
		return cgroupMount{}, false
	}
	return newMount(f[2], "/", f[1], f[3])
}

func newMount(fstype, root, point, options string) (cgroupMount, bool) {
	m := cgroupMount{root: path.Clean(unescape(root)), point: path.Clean(unescape(point))}
	switch fstype {
	case "cgroup2":
		m.controllers = []string{unified}
	case "cgroup":
		m.controllers = strings.Split(options, ",")
	case "cpuset": // the file system that version 1 began as
		m.controllers = []string{"cpuset"}
	default:
		return cgroupMount{}, false
	}
	return m, len(root) <= maxPath && len(point) <= maxPath
}

// unescape undoes the kernel's octal escapes for white space and backslashes in paths.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// parseCgroupPaths reads /proc/self/cgroup, lines of hierarchy:controllers:path, and returns the path of each controller.
func parseCgroupPaths(s string) map[string]string {
	paths := map[string]string{}
	for line := range strings.Lines(s) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) < 3 || !strings.HasPrefix(f[2], "/") || len(f[2]) > maxPath {
			continue
		}
		for controller := range strings.SplitSeq(f[1], ",") {
			paths[controller] = f[2]
		}
	}
	return paths
}

// cgroupDirs returns the directories of a cgroup and of its ancestors, as far as they are visible, the innermost first. A
// hierarchy may be mounted more than once, in part for others; the first mount that shows the cgroup counts, and
// failing that the first one.
func cgroupDirs(mounts []cgroupMount, controller, cgroup string) []string {
	var dirs []string
	for _, m := range mounts {
		if !slices.Contains(m.controllers, controller) {
			continue
		}
		below, ok := m.below(cgroup)
		if ok || dirs == nil {
			dirs = upTo(rooted(m.point), rooted(m.point+below))
		}
		if ok {
			break
		}
	}
	return dirs
}

// below returns the path of a cgroup below the mount point, if it is visible there.
func (m cgroupMount) below(cgroup string) (string, bool) {
	switch {
	case hasDotDot(cgroup) || hasDotDot(m.root): // outside of our cgroup namespace
		return "", false
	case m.root == "/":
		return cgroup, true
	case cgroup == m.root || strings.HasPrefix(cgroup, m.root+"/"):
		return cgroup[len(m.root):], true
	}
	return "", false
}

// upTo returns dir and its parents as far as top.
func upTo(top, dir string) []string {
	dirs := []string{dir}
	for dir != top && dir != "." {
		dir = path.Dir(dir)
		dirs = append(dirs, dir)
	}
	return dirs
}

func hasDotDot(p string) bool { return strings.Contains(p+"/", "/../") }
