// Package netmon holds the documents, so that the program has them with it:
// netmon docs prints them.
package netmon

import "embed"

// Files are the documents, as they stand in the repository.
//
//go:embed README.md CHANGELOG.md subjects.md probes/README.md docs/*.md
var Files embed.FS

// Document is one of them.
type Document struct{ Name, Path, About string }

// Documents lists them, those that people need first before the others.
func Documents() []Document {
	return []Document{
		{"readme", "README.md", "what netmon is, how to start, and what it does not do"},
		{"install", "docs/install.md", "from source, archive, package or image; releases; removal"},
		{"monitors", "docs/monitors.md", "write monitors: every field, every kind, by example"},
		{"files", "docs/files.md", "files of monitors, channels, rules, windows and groups; apply, diff, prune"},
		{"migrating", "docs/migrating.md", "come from Prometheus, Gatus, Uptime Kuma, Nagios and others: netmon import"},
		{"alerts", "docs/alerts.md", "incidents, notices, a recipe for each kind of channel"},
		{"troubleshooting", "docs/troubleshooting.md", "what you see, why, and what to do"},
		{"web", "docs/web.md", "live pages in a browser, and who may see them"},
		{"status-page", "docs/status-page.md", "a public status page: what is on it, and how to serve it or write it as files"},
		{"integrations", "docs/integrations.md", "Prometheus, Grafana, Alertmanager, OpenTelemetry, InfluxDB and others"},
		{"tour", "docs/tour.md", "a mesh of several hosts, the prompt, the live screen, the messages"},
		{"lab", "docs/lab.md", "a mesh in containers, to break on purpose"},
		{"verdicts", "docs/verdicts.md", "how a monitor is judged, and whose fault it is"},
		{"history", "docs/history.md", "what is remembered for months, and how uptime is counted"},
		{"metrics", "docs/metrics.md", "every metric on /metrics: name, type, labels, meaning"},
		{"kinds", "probes/README.md", "what each kind measures: options, figures, failures"},
		{"commands", "docs/commands.md", "every command, flag and exit code"},
		{"glossary", "docs/glossary.md", "what a word means here"},
		{"policy", "docs/policy.md", "what an agent may measure, and where its secrets may go"},
		{"security", "docs/security.md", "who may do what, and what a stolen key gives"},
		{"reliability", "docs/reliability.md", "what survives which fault; backup and restore"},
		{"upgrading", "docs/upgrading.md", "from one version to the next and back: the order, and what works meanwhile"},
		{"limits", "docs/limits.md", "the size of everything, and what happens beyond it"},
		{"performance", "docs/performance.md", "what netmon costs, measured"},
		{"accuracy", "docs/accuracy.md", "netmon's figures beside those of the usual tools"},
		{"architecture", "docs/architecture.md", "how netmon is put together"},
		{"subjects", "subjects.md", "every message, as JSON on a NATS subject"},
		{"changelog", "CHANGELOG.md", "what changed"},
	}
}
