// Package deploy holds the files to run wxgate: an image in docker, a kustomize
// base in kubernetes, and configurations with which nginx, Caddy, Traefik, Envoy
// and Istio ask wxgate about each request, for sites that keep their own proxy.
// The Go code tests these files. It is a module of its own, so that the libraries
// of the tests stay out of the gateway's go.mod.
package deploy
