// Package bootstrap makes a fresh API server usable: two nodes, a default StorageClass, and the CustomResourceDefinitions that were asked for.
package bootstrap

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

//go:embed objects.yaml
var objects []byte

const interval = 100 * time.Millisecond

// WaitForServer returns when the API server says that it is ready.
func WaitForServer(ctx context.Context, kubeconfig string) error {
	client, err := newClients(kubeconfig)
	if err != nil {
		return err
	}
	return until(ctx, "the API server to be ready", func(ctx context.Context) (bool, error) {
		_, err := client.typed.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil, nil
	})
}

// Populate applies our objects and the given files and waits until the cluster can run pods.
func Populate(ctx context.Context, kubeconfig string, files []string) error {
	client, err := newClients(kubeconfig)
	if err != nil {
		return err
	}
	if err := client.applyAll(ctx, objects); err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := client.applyAll(ctx, content); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	err = until(ctx, "the nodes to be ready", client.nodesReady)
	return errors.Join(err,
		until(ctx, "the default ServiceAccount", client.defaultServiceAccount),
		until(ctx, "the CustomResourceDefinitions to be established", client.definitionsEstablished))
}

type clients struct {
	typed   kubernetes.Interface
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

func newClients(kubeconfig string) (*clients, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 200, 400
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	untyped, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(typed.Discovery()))
	return &clients{typed: typed, dynamic: untyped, mapper: mapper}, nil
}

func (c *clients) applyAll(ctx context.Context, content []byte) error {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if len(object.Object) == 0 {
			continue
		}
		if err := c.apply(ctx, object); err != nil {
			return fmt.Errorf("cannot apply %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
}

func (c *clients) apply(ctx context.Context, object *unstructured.Unstructured) error {
	kind := object.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	var resource dynamic.ResourceInterface = c.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		resource = c.dynamic.Resource(mapping.Resource).Namespace(object.GetNamespace())
	}
	_, err = resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: "devcluster", Force: true})
	return err
}

func (c *clients) nodesReady(ctx context.Context) (bool, error) {
	nodes, err := c.typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil || len(nodes.Items) == 0 {
		return false, nil
	}
	for _, node := range nodes.Items {
		ready := false
		for _, condition := range node.Status.Conditions {
			ready = ready || (condition.Type == "Ready" && condition.Status == "True")
		}
		// A taint of the node life-cycle controller would keep pods away for another moment.
		if !ready || len(node.Spec.Taints) > 0 {
			return false, nil
		}
	}
	return true, nil
}

func (c *clients) defaultServiceAccount(ctx context.Context) (bool, error) {
	_, err := c.typed.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
	return err == nil, nil
}

func (c *clients) definitionsEstablished(ctx context.Context) (bool, error) {
	mapping, err := c.mapper.RESTMapping(definitionKind.GroupKind(), definitionKind.Version)
	if err != nil {
		return false, err
	}
	list, err := c.dynamic.Resource(mapping.Resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, nil
	}
	for _, item := range list.Items {
		if !conditionTrue(item.Object, "Established") {
			return false, nil
		}
	}
	return true, nil
}

func conditionTrue(object map[string]any, kind string) bool {
	conditions, _, _ := unstructured.NestedSlice(object, "status", "conditions")
	for _, condition := range conditions {
		if fields, ok := condition.(map[string]any); ok && fields["type"] == kind && fields["status"] == "True" {
			return true
		}
	}
	return false
}

func until(ctx context.Context, what string, check func(context.Context) (bool, error)) error {
	if err := wait.PollUntilContextCancel(ctx, interval, true, check); err != nil {
		return fmt.Errorf("waiting for %s: %w", what, err)
	}
	return nil
}
