// Command verify runs validators of the Operator Framework on a bundle and prints every finding as JSON.
//
// operator-verify of the same module exits with 0 whatever it has found, and runs only a part of them.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/validation"
	"github.com/operator-framework/api/pkg/validation/errors"
	validator "github.com/operator-framework/api/pkg/validation/interfaces"
)

// finding is one line of the output: an error or a warning of one validator about one object.
type finding struct {
	Level  string `json:"level"`
	Object string `json:"object"`
	Field  string `json:"field"`
	Text   string `json:"text"`
}

// validators are all of the module but two: that of architectures pulls the images, and that for the community's
// repository is deprecated.
var validators = validator.Validators{
	validation.ClusterServiceVersionValidator,
	validation.CustomResourceDefinitionValidator,
	validation.BundleValidator,
	validation.OperatorHubV2Validator,
	validation.StandardCategoriesValidator,
	validation.StandardCapabilitiesValidator,
	validation.ObjectValidator,
	validation.OperatorGroupValidator,
	validation.AlphaDeprecatedAPIsValidator,
	validation.GoodPracticesValidator,
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: verify <directory of a bundle>")
		os.Exit(2)
	}
	findings, err := verify(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(findings); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func verify(directory string) ([]finding, error) {
	bundle, err := manifests.GetBundleFromDir(directory)
	if err != nil {
		return nil, err
	}
	objects := []interface{}{bundle, bundle.CSV}
	for _, definition := range bundle.V1CRDs {
		objects = append(objects, definition)
	}
	for _, object := range bundle.Objects {
		objects = append(objects, object)
	}
	findings := []finding{}
	for _, result := range validators.Validate(objects...) {
		findings = add(findings, result.Name, "error", result.Errors)
		findings = add(findings, result.Name, "warning", result.Warnings)
	}
	return findings, nil
}

func add(findings []finding, object string, level string, found []errors.Error) []finding {
	for _, one := range found {
		findings = append(findings, finding{Level: level, Object: object, Field: one.Field, Text: one.Detail})
	}
	return findings
}
