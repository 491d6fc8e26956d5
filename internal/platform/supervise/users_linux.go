package supervise

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// The users of apps have numbers that neither people nor service managers (systemd's UIDS-GIDS document) use.
const (
	firstUser = 1_900_000_000
	lastUser  = 1_900_065_535
)

// users gives each project a user of its own: the owner of its data folder.
type users struct {
	mu  sync.Mutex
	top string // apps' users may pass through the folders below it that lead to theirs
}

// newUsers reports an error where apps cannot have users of their own.
func newUsers(top string) (*users, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("the platform does not run as root")
	}
	probe, err := os.CreateTemp(top, ".user-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(probe.Name()) }()
	if err := errors.Join(probe.Chown(firstUser, firstUser), probe.Close()); err != nil { // a container may not have that number
		return nil, err
	}
	if err := asUser(firstUser, func() error { return unix.Access(top, unix.F_OK) }); err != nil {
		return nil, fmt.Errorf("other users cannot reach %s: %w", top, err)
	}
	u := &users{top: top}
	return u, u.letThrough(filepath.Join(top, "any"))
}

// of returns the user of the project with a data folder, whose owner it becomes.
func (u *users) of(data string) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if owner := ownerOf(data); owner != 0 {
		return owner, nil
	}
	taken := map[int]bool{}
	others, err := os.ReadDir(filepath.Dir(data))
	if err != nil {
		return 0, err
	}
	for _, e := range others {
		taken[ownerOf(filepath.Join(filepath.Dir(data), e.Name()))] = true
	}
	for user := firstUser; user <= lastUser; user++ {
		if !taken[user] {
			return user, give(data, user)
		}
	}
	return 0, errors.New("all users for apps are in use")
}

// ownerOf returns the app's user that owns a folder; 0 if it is another user's.
func ownerOf(dir string) int {
	info, err := os.Lstat(dir)
	if err != nil {
		return 0
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid >= firstUser && stat.Uid <= lastUser {
		return int(stat.Uid)
	}
	return 0
}

// give makes a folder and everything in it a user's. It does not leave the folder, whatever links are in there.
func give(dir string, user int) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		return root.Lchown(name, user, user)
	})
	if err != nil {
		return err
	}
	return os.Lchown(dir, user, user) // last: it tells that the rest is done
}

// letThrough lets other users pass through the folders from top to the one that path is in, but not list them.
func (u *users) letThrough(path string) error {
	rel, err := filepath.Rel(u.top, filepath.Dir(path))
	if err != nil || !filepath.IsLocal(rel) {
		return nil //nolint:nilerr // it is elsewhere
	}
	dir := u.top
	for _, name := range append([]string{"."}, strings.Split(rel, string(filepath.Separator))...) {
		dir = filepath.Join(dir, name)
		info, err := os.Lstat(dir)
		if err != nil {
			return err
		}
		if mode := info.Mode(); mode.IsDir() && ownerOf(dir) == 0 && mode&0o011 != 0o011 {
			if err := os.Chmod(dir, mode.Perm()|0o011); err != nil {
				return err
			}
		}
	}
	return nil
}

// asUser calls f with the permissions of a user.
func asUser(user int, f func() error) error {
	return onThreadOfItsOwn(func() error {
		// The raw calls change this thread alone.
		for _, call := range [][4]uintptr{
			{unix.SYS_SETGROUPS}, {unix.SYS_SETRESGID, uintptr(user), uintptr(user), uintptr(user)},
			{unix.SYS_SETRESUID, uintptr(user), uintptr(user), uintptr(user)},
		} {
			if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
				return errno
			}
		}
		return f()
	})
}

// canRead returns an error if a user may not read files and folders.
func canRead(user int, paths ...string) error {
	return asUser(user, func() error {
		var all error
		for _, path := range paths {
			fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				all = errors.Join(all, fmt.Errorf("open %s: %w", path, err))
				continue
			}
			_ = unix.Close(fd)
		}
		return all
	})
}
