// A registry that lists what refers to an image (GET /v2/<name>/referrers/<digest>), which docker-registry does not. It keeps
// everything in memory and listens on the address given as argument.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	log.Fatal(http.ListenAndServe(os.Args[1], registry.New(registry.WithReferrersSupport(true))))
}
