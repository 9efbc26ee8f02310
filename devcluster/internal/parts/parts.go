// Package parts says which program each part of the control plane is and with which arguments it runs.
package parts

import (
	"fmt"
	"os"
	"path/filepath"

	"semantic-router-operator/devcluster/internal/instance"
)

// Names of the parts, in the order in which they start; they stop in the opposite order, so that the API server goes before etcd.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Kwok              = "kwok"
	Kubectl           = "kubectl"
)

// Ports are free ports on loopback.
type Ports struct {
	EtcdClient, EtcdPeer, APIServer, Kwok int
}

// Programs finds the executables: those in assets (KUBEBUILDER_ASSETS) when all of them are there, else the built ones.
type Programs struct {
	Built  string // the directory of the built `kubernetes` and `kwok`
	Assets string // empty, or a directory with one executable per part
}

// Command is the executable and the leading arguments for one part.
func (p Programs) Command(part string) []string {
	if part == Kwok {
		return []string{filepath.Join(p.Built, Kwok)}
	}
	if p.Assets != "" {
		return []string{filepath.Join(p.Assets, part)}
	}
	return []string{filepath.Join(p.Built, "kubernetes"), part}
}

// MissingAssets names the parts that a directory of assets does not have.
func MissingAssets(directory string) []string {
	var missing []string
	for _, part := range []string{Etcd, APIServer, ControllerManager, Scheduler, Kubectl} {
		if info, err := os.Stat(filepath.Join(directory, part)); err != nil || info.Mode()&0o111 == 0 {
			missing = append(missing, part)
		}
	}
	return missing
}

// Arguments of one part. Everything listens on 127.0.0.1 or not at all.
func Arguments(part string, in *instance.Instance, ports Ports) []string {
	pki := func(name string) string { return in.Path("pki", name) }
	etcd := fmt.Sprintf("https://127.0.0.1:%d", ports.EtcdClient)
	peer := fmt.Sprintf("https://127.0.0.1:%d", ports.EtcdPeer)
	switch part {
	case Etcd:
		return []string{
			"--name=devcluster", "--data-dir=" + in.Path("etcd"),
			"--listen-client-urls=" + etcd, "--advertise-client-urls=" + etcd,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=devcluster=" + peer,
			"--cert-file=" + pki("server.crt"), "--key-file=" + pki("server.key"),
			"--client-cert-auth", "--trusted-ca-file=" + pki("ca.crt"),
			"--peer-cert-file=" + pki("server.crt"), "--peer-key-file=" + pki("server.key"),
			"--peer-client-cert-auth", "--peer-trusted-ca-file=" + pki("ca.crt"),
			// The data is thrown away on stop, so nothing is gained by waiting for the disk.
			"--unsafe-no-fsync", "--snapshot-count=5000", "--quota-backend-bytes=1073741824", "--log-level=warn",
		}
	case APIServer:
		return []string{
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports.APIServer),
			// Loopback may not be advertised; nothing reads the endpoints of the `kubernetes` Service here.
			"--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none",
			"--etcd-servers=" + etcd, "--etcd-cafile=" + pki("ca.crt"), "--etcd-certfile=" + pki("server.crt"), "--etcd-keyfile=" + pki("server.key"),
			"--tls-cert-file=" + pki("server.crt"), "--tls-private-key-file=" + pki("server.key"), "--client-ca-file=" + pki("ca.crt"),
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file=" + pki("service-accounts.key"), "--service-account-signing-key-file=" + pki("service-accounts.key"),
			"--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=Node,RBAC",
			"--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement,PodSecurity",
			"--allow-privileged=true", "--profiling=false",
			"--audit-policy-file=" + in.Path("audit-policy.yaml"), "--audit-log-path=" + in.Path("logs", "audit.log"),
			"--audit-log-mode=blocking", "--audit-log-format=json",
		}
	case ControllerManager:
		return []string{
			"--kubeconfig=" + in.Path("pki", "controller-manager.kubeconfig"), "--leader-elect=false", "--secure-port=0",
			"--use-service-account-credentials=true", "--service-account-private-key-file=" + pki("service-accounts.key"),
			"--root-ca-file=" + pki("ca.crt"), "--allocate-node-cidrs=false",
			// A test waits for what these do; the defaults are made for clusters of thousands.
			"--kube-api-qps=200", "--kube-api-burst=400", "--horizontal-pod-autoscaler-sync-period=2s", "--pvclaimbinder-sync-period=5s",
		}
	case Scheduler:
		return []string{
			"--kubeconfig=" + in.Path("pki", "scheduler.kubeconfig"), "--leader-elect=false", "--secure-port=0",
			"--kube-api-qps=200", "--kube-api-burst=400",
		}
	case Kwok:
		return []string{
			"--kubeconfig=" + in.Path("pki", "kwok.kubeconfig"), "--manage-all-nodes=true",
			// .1, because the network address itself would be handed out to a pod.
			"--cidr=10.244.1.1/24", "--node-ip=10.0.0.1", "--node-lease-duration-seconds=40",
			fmt.Sprintf("--server-address=127.0.0.1:%d", ports.Kwok),
		}
	}
	panic("no arguments for part " + part)
}
