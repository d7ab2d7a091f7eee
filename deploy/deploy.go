// Package deploy holds what it takes to run wxgate: an image in docker, a
// kustomize base in kubernetes. The Go code here is only tests of those files.
// It is a module of its own, so that the Kubernetes libraries which the tests
// need stay out of the gateway's go.mod.
package deploy
