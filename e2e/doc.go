// Package e2e tests the built program as people run it: several processes on one host,
// killed and restarted, observed with tools that are not ours.
package e2e
