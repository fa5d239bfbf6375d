// Checks a dashboard on stdin against Grafana's schema: unknown fields, missing ones, and values that are out of range.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	raw, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	var found dashboard.Dashboard
	// A list of no errors is not nil there.
	problems := []error{found.UnmarshalJSONStrict(raw), found.Validate()}
	for _, problem := range problems {
		if problem != nil && problem.Error() != "" {
			fmt.Fprintln(os.Stderr, problem)
			defer os.Exit(1)
		}
	}
}
