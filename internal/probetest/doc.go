// Package probetest is what the tests of kinds share: a run as an agent makes it,
// golden results, servers, networks of their own.
package probetest
