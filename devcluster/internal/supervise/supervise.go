// Package supervise is the one long-running process of an instance: it starts the parts in order, reports that they are ready, and ends with
// all of them when it is told to, when a part dies, or when the process that owns the instance dies.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/tools/clientcmd"

	"semantic-router-operator/devcluster/internal/bootstrap"
	"semantic-router-operator/devcluster/internal/instance"
	"semantic-router-operator/devcluster/internal/parts"
	"semantic-router-operator/devcluster/internal/provision"
)

const readyTimeout = 90 * time.Second

// Options of one instance.
type Options struct {
	Programs parts.Programs
	OwnerPID int      // 0: nobody; else the instance ends with this process
	CRDs     []string // files with CustomResourceDefinitions to install
}

// Run supervises until the end; everything the instance had is gone when it returns.
func Run(in *instance.Instance, options Options) error {
	// Children are killed when the thread that started them ends (see start), so this goroutine keeps its thread.
	runtime.LockOSThread()
	lock, err := in.Lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer cancel()
	if options.OwnerPID != 0 {
		if err := watchOwner(options.OwnerPID, cancel); err != nil {
			return err
		}
	}
	if err := in.Prepare(); err != nil {
		return err
	}
	defer in.Remove()
	s := &supervisor{in: in, options: options}
	defer s.stopAll()
	if err := s.bringUp(ctx); err != nil {
		s.leaveReport(err)
		return err
	}
	return s.untilEnd(ctx)
}

type supervisor struct {
	in        *instance.Instance
	options   Options
	processes []*process
	reserved  reservations
}

func (s *supervisor) bringUp(ctx context.Context) error {
	ports, err := s.reserved.ports()
	if err != nil {
		return err
	}
	if err := writeFiles(s.in, ports); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for _, part := range []string{parts.Etcd, parts.APIServer} {
		if err := s.start(part, ports); err != nil {
			return err
		}
	}
	if err := s.unlessPartEnds(ctx, func(ctx context.Context) error { return bootstrap.WaitForServer(ctx, s.in.Path("kubeconfig")) }); err != nil {
		return err
	}
	for _, part := range []string{parts.ControllerManager, parts.Scheduler, parts.Kwok} {
		if err := s.start(part, ports); err != nil {
			return err
		}
	}
	if err := s.startProvisioner(); err != nil {
		return err
	}
	err = s.unlessPartEnds(ctx, func(ctx context.Context) error {
		return bootstrap.Populate(ctx, s.in.Path("kubeconfig"), s.options.CRDs)
	})
	if err != nil {
		return err
	}
	return s.in.WriteDescription(&instance.Description{
		Name: s.in.Name, Kubeconfig: s.in.Path("kubeconfig"), Server: fmt.Sprintf("https://127.0.0.1:%d", ports.APIServer),
		AuditLog: s.in.Path("logs", "audit.log"), Logs: s.in.Path("logs"), Kubectl: s.options.Programs.Command(parts.Kubectl),
		SupervisorPID: os.Getpid(),
	})
}

func (s *supervisor) start(part string, ports parts.Ports) error {
	command := append(s.options.Programs.Command(part), parts.Arguments(part, s.in, ports)...)
	p, err := start(part, command, s.in.Path("logs"))
	if err == nil {
		s.processes = append(s.processes, p)
	}
	return err
}

// The provisioner is small enough to live in the supervisor; it ends with the process.
func (s *supervisor) startProvisioner() error {
	config, err := clientcmd.BuildConfigFromFlags("", s.in.Path("pki", "provisioner.kubeconfig"))
	if err != nil {
		return err
	}
	return provision.Start(context.Background(), config)
}

// unlessPartEnds waits for a step, but not longer than every part lives.
func (s *supervisor) unlessPartEnds(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, p := range s.processes {
		go func() {
			select {
			case <-p.ended:
				cancel(p.failure())
			case <-ctx.Done():
			}
		}()
	}
	err := step(ctx)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, ctx.Err()) {
		return cause
	}
	return err
}

// untilEnd returns nil when the end was asked for, and the reason when a part ended by itself.
func (s *supervisor) untilEnd(ctx context.Context) error {
	err := s.unlessPartEnds(ctx, func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	})
	if err != nil {
		s.leaveReport(err)
	}
	return err
}

func (s *supervisor) stopAll() {
	for _, p := range slices.Backward(s.processes) {
		p.stop()
	}
}

// leaveReport tells the waiting `up`; the instance's own directory is about to be removed.
func (s *supervisor) leaveReport(err error) {
	os.WriteFile(s.in.Dir()+".failure", []byte(err.Error()+"\n"), 0o600)
}

// watchOwner ends the instance with its owner, whatever ended that: the kernel reports the death of a process through a file descriptor.
func watchOwner(pid int, end func()) error {
	owner, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("the owner, process %d, does not run", pid)
	}
	if err != nil {
		return fmt.Errorf("cannot watch the owner, process %d: %w", pid, err)
	}
	go func() {
		for {
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(owner), Events: unix.POLLIN}}, -1); !errors.Is(err, unix.EINTR) {
				end()
				return
			}
		}
	}()
	return nil
}
