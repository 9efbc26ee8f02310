// Command devcluster starts, describes and stops control planes on loopback. See the README beside go.mod.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"semantic-router-operator/devcluster/internal/instance"
	"semantic-router-operator/devcluster/internal/parts"
	"semantic-router-operator/devcluster/internal/supervise"
)

const usage = `usage: devcluster COMMAND [--name NAME]

  up        start a control plane, or find the one that runs; print its KUBECONFIG= line
              --crds LIST       gateway, kserve and route, comma-separated; default: all of them
              --owner-pid PID   stop when that process ends
  down      stop it and throw everything away
  status    say what runs (--output json for programs)
  list      name all control planes
  kubectl   run kubectl against it: devcluster kubectl [--name NAME] -- get pods
`

const startTimeout = 2 * time.Minute

// request is one call of the program.
type request struct {
	name, crds, output string
	ownerPID           int
	rest               []string
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	commands := map[string]func(*request) error{
		"up": up, "down": down, "status": status, "list": list, "kubectl": kubectl, "supervise": superviseInstance,
	}
	command, known := commands[os.Args[1]]
	if !known {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := command(parse(os.Args[2:])); err != nil {
		fmt.Fprintln(os.Stderr, "devcluster:", err)
		os.Exit(1)
	}
}

func parse(arguments []string) *request {
	r := &request{}
	flags := flag.NewFlagSet("devcluster", flag.ExitOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	flags.StringVar(&r.name, "name", "default", "")
	flags.StringVar(&r.crds, "crds", "gateway,kserve,route", "")
	flags.StringVar(&r.output, "output", "text", "")
	flags.IntVar(&r.ownerPID, "owner-pid", 0, "")
	flags.Parse(arguments)
	r.rest = flags.Args()
	return r
}

func up(r *request) error {
	in, err := instance.New(root(), r.name)
	if err != nil {
		return err
	}
	running, err := in.Running()
	if err != nil {
		return err
	}
	if !running {
		if err := startSupervisor(in, r); err != nil {
			return err
		}
	}
	description, err := waitUntilReady(in)
	if err != nil {
		return err
	}
	fmt.Println("KUBECONFIG=" + description.Kubeconfig)
	return nil
}

// startSupervisor starts this program again as a session of its own, so that it survives the terminal.
func startSupervisor(in *instance.Instance, r *request) error {
	if _, err := definitions(r.crds); err != nil {
		return err
	}
	if err := os.MkdirAll(in.Root, 0o700); err != nil {
		return err
	}
	os.Remove(in.Dir() + ".failure")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(in.Dir()+".log", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(self, "supervise", "--name", r.name, "--crds", r.crds, "--owner-pid", fmt.Sprint(r.ownerPID))
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return command.Start()
}

func waitUntilReady(in *instance.Instance) (*instance.Description, error) {
	fmt.Fprintf(os.Stderr, "starting control plane %s ", in.Name)
	defer fmt.Fprintln(os.Stderr)
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		description, err := in.Describe()
		if err != nil || description != nil {
			return description, err
		}
		if report, err := os.ReadFile(in.Dir() + ".failure"); err == nil {
			return nil, fmt.Errorf("%s did not start: %s", in.Name, report)
		}
		if time.Now().UnixMilli()%1000 < 100 {
			fmt.Fprint(os.Stderr, ".")
		}
	}
	return nil, fmt.Errorf("%s is not ready after %s; see %s", in.Name, startTimeout, in.Path("logs"))
}

func superviseInstance(r *request) error {
	in, err := instance.New(root(), r.name)
	if err != nil {
		return err
	}
	files, err := definitions(r.crds)
	if err != nil {
		return err
	}
	return supervise.Run(in, supervise.Options{Programs: programs(), OwnerPID: r.ownerPID, CRDs: files})
}

func down(r *request) error {
	in, err := instance.New(root(), r.name)
	if err != nil {
		return err
	}
	description, err := in.Describe()
	if err != nil {
		fmt.Fprintln(os.Stderr, "devcluster:", err)
	}
	if description != nil {
		if err := syscall.Kill(description.SupervisorPID, syscall.SIGTERM); err != nil {
			return err
		}
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if running, err := in.Running(); err != nil || running {
			continue
		}
		for _, suffix := range []string{".log", ".failure"} {
			os.Remove(in.Dir() + suffix)
		}
		in.ForgetLock()
		return in.Remove()
	}
	return fmt.Errorf("the supervisor of %s does not end", in.Name)
}

func status(r *request) error {
	in, err := instance.New(root(), r.name)
	if err != nil {
		return err
	}
	description, err := in.Describe()
	if err != nil {
		return err
	}
	if description == nil {
		return fmt.Errorf("no control plane called %s runs; `make cluster-up` starts one", in.Name)
	}
	if r.output == "json" {
		return json.NewEncoder(os.Stdout).Encode(description)
	}
	fmt.Printf("control plane %s runs at %s (supervisor: process %d)\n", in.Name, description.Server, description.SupervisorPID)
	fmt.Printf("  KUBECONFIG=%s\n  kubectl:   %s\n  audit log: %s\n  logs:      %s\n",
		description.Kubeconfig, strings.Join(description.Kubectl, " "), description.AuditLog, description.Logs)
	return nil
}

func list(*request) error {
	names, err := instance.List(root())
	for _, name := range names {
		fmt.Println(name)
	}
	return err
}

// kubectl becomes kubectl; without an instance of that name it uses the KUBECONFIG of the environment.
func kubectl(r *request) error {
	in, err := instance.New(root(), r.name)
	if err != nil {
		return err
	}
	if description, err := in.Describe(); err != nil {
		return err
	} else if description != nil {
		os.Setenv("KUBECONFIG", description.Kubeconfig)
	}
	command := append(programs().Command(parts.Kubectl), r.rest...)
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, command, os.Environ())
}

// programs are those beside this one, unless KUBEBUILDER_ASSETS has them all.
func programs() parts.Programs {
	self, err := os.Executable()
	if err != nil {
		panic(err) // Linux always knows
	}
	found := parts.Programs{Built: filepath.Dir(self)}
	if assets := os.Getenv("KUBEBUILDER_ASSETS"); assets != "" && len(parts.MissingAssets(assets)) == 0 {
		found.Assets = assets
	}
	return found
}

// definitions turns names into the files that the build put beside this program.
func definitions(names string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var files []string
	for _, name := range strings.Split(names, ",") {
		if name == "" || name == "none" {
			continue
		}
		found, err := filepath.Glob(filepath.Join(filepath.Dir(self), "crds", name, "*.yaml"))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("no CustomResourceDefinitions are called %q: gateway, kserve and route are", name)
		}
		files = append(files, found...)
	}
	return files, nil
}

func root() string {
	if directory := os.Getenv("DEVCLUSTER_ROOT"); directory != "" {
		return directory
	}
	cache := os.Getenv("SEMANTIC_ROUTER_CACHE")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache", "semantic-router-operator")
	}
	return filepath.Join(cache, "clusters")
}
