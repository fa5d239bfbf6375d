// A provider of Terraform that serves the arguments of real ones, and does nothing: `terraform validate` holds a configuration
// against them. It stands for the provider that its file is named for, terraform-provider-<name>, and reads schemas in the form of
// `terraform providers schema -json` from the file that TERRAFORM_SCHEMAS names.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type attribute struct {
	Type      json.RawMessage `json:"type"`
	Required  bool            `json:"required"`
	Optional  bool            `json:"optional"`
	Computed  bool            `json:"computed"`
	Sensitive bool            `json:"sensitive"`
	WriteOnly bool            `json:"write_only"`
}

type nested struct {
	NestingMode string `json:"nesting_mode"`
	MinItems    int64  `json:"min_items"`
	MaxItems    int64  `json:"max_items"`
	Block       block  `json:"block"`
}

type block struct {
	Attributes map[string]attribute `json:"attributes"`
	BlockTypes map[string]nested    `json:"block_types"`
}

type schema struct {
	Block block `json:"block"`
}

type provider struct {
	Provider    schema            `json:"provider"`
	Resources   map[string]schema `json:"resource_schemas"`
	DataSources map[string]schema `json:"data_source_schemas"`
}

type schemas struct {
	Providers map[string]provider `json:"provider_schemas"`
}

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-")
	address, served, err := read(os.Getenv("TERRAFORM_SCHEMAS"), name)
	if err == nil {
		err = tf6server.Serve(address, func() tfprotov6.ProviderServer { return &server{served: served} })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(file, name string) (string, *tfprotov6.GetProviderSchemaResponse, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", nil, err
	}
	var all schemas
	if err := json.Unmarshal(text, &all); err != nil {
		return "", nil, err
	}
	for address, each := range all.Providers {
		if filepath.Base(address) != name {
			continue
		}
		served := &tfprotov6.GetProviderSchemaResponse{
			Provider:          &tfprotov6.Schema{Block: blockOf(each.Provider.Block)},
			ResourceSchemas:   map[string]*tfprotov6.Schema{},
			DataSourceSchemas: map[string]*tfprotov6.Schema{},
		}
		for kind, one := range each.Resources {
			served.ResourceSchemas[kind] = &tfprotov6.Schema{Block: blockOf(one.Block)}
		}
		for kind, one := range each.DataSources {
			served.DataSourceSchemas[kind] = &tfprotov6.Schema{Block: blockOf(one.Block)}
		}
		return address, served, nil
	}
	return "", nil, fmt.Errorf("%s has no provider called %s", file, name)
}

var nestings = map[string]tfprotov6.SchemaNestedBlockNestingMode{
	"list":   tfprotov6.SchemaNestedBlockNestingModeList,
	"set":    tfprotov6.SchemaNestedBlockNestingModeSet,
	"single": tfprotov6.SchemaNestedBlockNestingModeSingle,
}

func blockOf(from block) *tfprotov6.SchemaBlock {
	to := &tfprotov6.SchemaBlock{}
	for _, name := range names(from.Attributes) {
		each := from.Attributes[name]
		kind, err := tftypes.ParseJSONType(each.Type) //nolint:staticcheck // The form of `terraform providers schema -json`.
		if err != nil {
			panic(fmt.Sprintf("type of %s: %v", name, err))
		}
		to.Attributes = append(to.Attributes, &tfprotov6.SchemaAttribute{
			Name: name, Type: kind, Required: each.Required, Optional: each.Optional, Computed: each.Computed,
			Sensitive: each.Sensitive, WriteOnly: each.WriteOnly,
		})
	}
	for _, name := range names(from.BlockTypes) {
		each := from.BlockTypes[name]
		to.BlockTypes = append(to.BlockTypes, &tfprotov6.SchemaNestedBlock{
			TypeName: name, Nesting: nestings[each.NestingMode], MinItems: each.MinItems, MaxItems: each.MaxItems,
			Block: blockOf(each.Block),
		})
	}
	return to
}

func names[T any](from map[string]T) []string {
	all := make([]string, 0, len(from))
	for name := range from {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

// What `terraform validate` asks for. Everything else is missing, and would panic.
type server struct {
	tfprotov6.ProviderServer
	served *tfprotov6.GetProviderSchemaResponse
}

func (s *server) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	return s.served, nil
}

func (s *server) ValidateProviderConfig(_ context.Context, asked *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: asked.Config}, nil
}

func (s *server) ValidateResourceConfig(context.Context, *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

func (s *server) ValidateDataResourceConfig(context.Context, *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return &tfprotov6.ValidateDataResourceConfigResponse{}, nil
}

func (s *server) StopProvider(context.Context, *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	return &tfprotov6.StopProviderResponse{}, nil
}
