package supervise

import (
	_ "embed"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	api "k8s.io/client-go/tools/clientcmd/api"

	"semantic-router-operator/devcluster/internal/instance"
	"semantic-router-operator/devcluster/internal/parts"
	"semantic-router-operator/devcluster/internal/pki"
)

//go:embed audit-policy.yaml
var auditPolicy []byte

// users of the control plane by the name of their kubeconfig below pki/; the empty name is the one that is given out.
var users = map[string]struct {
	name   string
	groups []string
}{
	"":                   {"devcluster:admin", []string{"system:masters"}},
	"kwok":               {"devcluster:kwok", []string{"system:masters"}},
	"provisioner":        {"devcluster:provisioner", []string{"system:masters"}},
	"controller-manager": {"system:kube-controller-manager", nil},
	"scheduler":          {"system:kube-scheduler", nil},
}

func writeFiles(in *instance.Instance, ports parts.Ports) error {
	authority, err := pki.NewAuthority()
	if err != nil {
		return err
	}
	if err := os.WriteFile(in.Path("pki", "ca.crt"), authority.PEM, 0o600); err != nil {
		return err
	}
	server, err := authority.Issue("devcluster:server", nil, "kubernetes", "kubernetes.default", "kubernetes.default.svc")
	if err != nil {
		return err
	}
	if err := server.Write(in.Path("pki"), "server"); err != nil {
		return err
	}
	if err := pki.WriteSigningKey(in.Path("pki", "service-accounts.key")); err != nil {
		return err
	}
	for file, user := range users {
		path := in.Path("kubeconfig")
		if file != "" {
			path = in.Path("pki", file+".kubeconfig")
		}
		pair, err := authority.Issue(user.name, user.groups)
		if err != nil {
			return err
		}
		if err := writeKubeconfig(path, in.Name, fmt.Sprintf("https://127.0.0.1:%d", ports.APIServer), authority.PEM, pair); err != nil {
			return err
		}
	}
	return os.WriteFile(in.Path("audit-policy.yaml"), auditPolicy, 0o600)
}

func writeKubeconfig(path, name, server string, authority []byte, pair *pki.Pair) error {
	name = "devcluster-" + name
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: server, CertificateAuthorityData: authority}
	config.AuthInfos[name] = &api.AuthInfo{ClientCertificateData: pair.Certificate, ClientKeyData: pair.Key}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name, Namespace: "default"}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, path)
}
