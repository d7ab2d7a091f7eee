// Package helm holds the tests of the Helm chart in wxgate and of the kustomize
// files in ../kubernetes. The chart has no Go code.
package helm
