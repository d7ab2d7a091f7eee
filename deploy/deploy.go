// Package deploy holds what it takes to run wxgate: an image in docker, a
// kustomize base in kubernetes, and for those who keep their own proxy in front
// of the site, configurations by which nginx, caddy, traefik and envoy (and
// Istio) ask wxgate about each request. The Go code here is only tests of those
// files. It is a module of its own, so that the libraries which the tests need
// stay out of the gateway's go.mod.
package deploy
