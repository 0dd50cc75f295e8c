// Package grafana makes the dashboards of this folder, mesh.json and monitor.json, from
// Go: JSON of that size is not edited by hand. They read what netmon's /metrics gives to a
// Prometheus, or what netmon export writes to one, and import into Grafana 9 to 11:
//
//	go test ./packaging/grafana -update
//
// A test of e2e executes each query of the files in a real Prometheus.
package grafana
