// Package envoy holds the tests of the files in this directory that are made for
// Istio, Envoy Gateway and Gateway API. They are in a module of their own, because
// they decode the files into the types of these projects. Those of envoy.yaml are in
// the module above.
package envoy
