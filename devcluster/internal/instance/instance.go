// Package instance knows where one control plane keeps its files and how it is described to others.
//
// Everything is below one directory that only its owner can read, and that is removed when the control plane stops:
//
//	<root>/<name>/instance.json   what status prints, written when the control plane is ready
//	              kubeconfig      of a cluster administrator
//	              lock            held by the supervisor as long as it lives
//	              pki/ etcd/ logs/
package instance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
)

var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$`)

// Description is what others need to use a control plane; its JSON is what `devcluster status --output json` prints.
type Description struct {
	Name          string   `json:"name"`
	Kubeconfig    string   `json:"kubeconfig"`
	Server        string   `json:"server"`
	AuditLog      string   `json:"auditLog"`
	Logs          string   `json:"logs"`
	Kubectl       []string `json:"kubectl"`
	SupervisorPID int      `json:"supervisorPID"`
}

// Instance is one control plane by name.
type Instance struct {
	Name string
	Root string
}

// New checks the name, which becomes a directory.
func New(root, name string) (*Instance, error) {
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("%q is no name for a control plane: use at most 42 of a-z, 0-9 and '-'", name)
	}
	return &Instance{Name: name, Root: root}, nil
}

// Dir is the instance's own directory.
func (i *Instance) Dir() string { return filepath.Join(i.Root, i.Name) }

// Path is a path below the instance's directory.
func (i *Instance) Path(parts ...string) string {
	return filepath.Join(append([]string{i.Dir()}, parts...)...)
}

// Prepare makes fresh, private directories; what a control plane that was killed left behind is removed.
func (i *Instance) Prepare() error {
	if err := os.RemoveAll(i.Dir()); err != nil {
		return err
	}
	for _, name := range []string{"pki", "etcd", "logs"} {
		if err := os.MkdirAll(i.Path(name), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// Remove throws everything away.
func (i *Instance) Remove() error { return os.RemoveAll(i.Dir()) }

// WriteDescription makes the instance visible as ready, all at once.
func (i *Instance) WriteDescription(d *Description) error {
	content, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	temporary := i.Path(".instance.json")
	if err := os.WriteFile(temporary, append(content, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, i.Path("instance.json"))
}

// Describe returns nil when the control plane does not run or is not ready yet.
func (i *Instance) Describe() (*Description, error) {
	content, err := os.ReadFile(i.Path("instance.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	description := &Description{}
	if err := json.Unmarshal(content, description); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; `devcluster down --name %s` removes it", i.Path("instance.json"), err, i.Name)
	}
	held, err := i.supervised()
	if err != nil || !held {
		return nil, err
	}
	return description, nil
}

// Lock is taken by the supervisor and released by the kernel when it ends, however it ends.
func (i *Instance) Lock() (*os.File, error) {
	if err := os.MkdirAll(i.Root, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(i.lockPath(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("a supervisor of %s runs already: %w", i.Name, err)
	}
	return file, nil
}

// Running says whether a supervisor holds the lock, ready or not.
func (i *Instance) Running() (bool, error) { return i.supervised() }

// ForgetLock removes the lock file of an instance that does not run.
func (i *Instance) ForgetLock() { os.Remove(i.lockPath()) }

// The lock stands beside the directory, because the directory is made anew under it.
func (i *Instance) lockPath() string { return filepath.Join(i.Root, "."+i.Name+".lock") }

func (i *Instance) supervised() (bool, error) {
	file, err := os.OpenFile(i.lockPath(), os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return true, nil
	}
	return false, syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
}

// List names every instance that runs or has left files behind, in order.
func List(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && validName.MatchString(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}
