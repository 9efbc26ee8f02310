// Package crdcheck validates the published CustomResourceDefinition as the API server of Kubernetes 1.25 does, the oldest one that is supported:
// its structural schema rules, its CEL functions and its limits of cost.
package crdcheck

import (
	"context"
	"os"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"sigs.k8s.io/yaml"
)

const published = "../../crds/vllm.ai_semanticrouters.yaml"

// problems gives what the API server would say about a definition.
func problems(t *testing.T, definition v1.CustomResourceDefinition) []string {
	t.Helper()
	v1.SetDefaults_CustomResourceDefinition(&definition)
	v1.SetDefaults_CustomResourceDefinitionSpec(&definition.Spec)
	var internal apiextensions.CustomResourceDefinition
	if err := v1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&definition, &internal, nil); err != nil {
		t.Fatal(err)
	}
	internal.Status.StoredVersions = []string{"v1alpha1"} // the API server fills it in before it validates
	var found []string
	for _, problem := range validation.ValidateCustomResourceDefinition(context.Background(), &internal) {
		found = append(found, problem.Error())
	}
	return found
}

func read(t *testing.T) v1.CustomResourceDefinition {
	t.Helper()
	text, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	var definition v1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &definition); err != nil {
		t.Fatal(err)
	}
	return definition
}

func TestTheDefinitionIsAcceptedByKubernetes125(t *testing.T) {
	for _, problem := range problems(t, read(t)) {
		t.Error(problem)
	}
}

func TestARuleWithAFunctionYoungerThanKubernetes125IsRefused(t *testing.T) {
	definition := read(t)
	schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	schema.XValidations = append(schema.XValidations, v1.ValidationRule{Rule: "quantity('1Gi').isGreaterThan(quantity('1'))"})
	refused(t, definition, "undeclared reference")
}

func TestARuleThatCouldCostTooMuchIsRefused(t *testing.T) {
	definition := read(t)
	schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	texts := v1.JSONSchemaProps{Type: "array", Items: &v1.JSONSchemaPropsOrArray{Schema: &v1.JSONSchemaProps{Type: "string"}}}
	texts.XValidations = v1.ValidationRules{{Rule: "self.all(one, self.all(other, one.contains(other)))"}}
	schema.Properties["texts"] = texts
	refused(t, definition, "cost")
}

func refused(t *testing.T, definition v1.CustomResourceDefinition, reason string) {
	t.Helper()
	found := problems(t, definition)
	if !strings.Contains(strings.Join(found, "\n"), reason) {
		t.Errorf("want a refusal that says %q, got %q", reason, found)
	}
}
