package supervise

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// A part gets this long to end by itself before it is killed: nothing of it is kept, so there is little to finish.
const patience = 1500 * time.Millisecond

// process is one running part of the control plane.
type process struct {
	name    string
	logPath string
	command *exec.Cmd
	ended   chan struct{}
	err     error // why it ended; read after ended is closed
}

// start runs a part in a process group of its own, so that Ctrl-C in a terminal reaches the supervisor first. The kernel kills it when the
// supervisor dies. That signal is tied to the *thread* that starts the child, so the caller stays on one thread.
func start(name string, command []string, logDirectory string) (*process, error) {
	p := &process{name: name, logPath: filepath.Join(logDirectory, name+".log"), ended: make(chan struct{})}
	log, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.command = exec.Command(command[0], command[1:]...)
	p.command.Stdout, p.command.Stderr = log, log
	p.command.Dir = logDirectory
	p.command.Env = environment()
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", name, err)
	}
	go func() {
		p.err = p.command.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop asks, waits and then kills; it returns when the process is gone.
func (p *process) stop() {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.signal(syscall.SIGKILL)
		<-p.ended
	}
}

func (p *process) signal(signal syscall.Signal) {
	if err := syscall.Kill(-p.command.Process.Pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		fmt.Fprintf(os.Stderr, "cannot signal %s: %v\n", p.name, err)
	}
}

// failure says why the part ended, with the end of its log.
func (p *process) failure() error {
	return fmt.Errorf("%s ended (%v); the end of %s:\n%s", p.name, p.err, p.logPath, tail(p.logPath, 1500))
}

// environment keeps the user's proxy and kubeconfig settings away from the parts: they talk to loopback only.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir(), "GOMEMLIMIT=600MiB"}
}

func tail(path string, bytes int64) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > bytes {
		file.Seek(-bytes, 2)
	}
	content := make([]byte, bytes)
	n, _ := file.Read(content)
	return string(content[:n])
}
