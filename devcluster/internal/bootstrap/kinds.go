package bootstrap

import "k8s.io/apimachinery/pkg/runtime/schema"

var definitionKind = schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
