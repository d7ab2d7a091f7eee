// Package deploy holds the files to run wxgate: an image in docker, a Helm
// chart in helm, kustomize files in kubernetes, and configurations with which
// nginx, Caddy, Traefik, Envoy and Istio ask wxgate about each request, for sites
// that keep their own proxy. The Go code tests these files, except those that have
// a module of their own. It is a module of its own, so that the libraries of the
// tests stay out of the gateway's go.mod.
package deploy
