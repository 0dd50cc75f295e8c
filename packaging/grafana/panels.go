package grafana

import "slices"

// query is an expression of PromQL, and what its series are called.
type query struct{ expr, legend string }

func targets(format string, instant bool, queries []query) (all []target) {
	for i, q := range queries {
		all = append(all, target{Ref: string(rune('A' + i)), Source: source, Expr: q.expr, Legend: q.legend, Format: format, Instant: instant, Range: !instant, Editor: "code"})
	}
	return all
}

// step is the colour from a value on.
type step struct {
	colour string
	from   any // a number; nil for the first
}

func thresholds(steps ...step) object {
	if len(steps) == 0 {
		steps = []step{{"blue", nil}}
	}
	var all []object
	for _, s := range steps {
		all = append(all, object{"color": s.colour, "value": s.from})
	}
	return object{"mode": "absolute", "steps": all}
}

// word is what a number stands for, and its colour.
type word struct{ value, text, colour string }

func mapping(words ...word) []object {
	options := object{}
	for i, w := range words {
		options[w.value] = object{"text": w.text, "color": w.colour, "index": i}
	}
	return []object{{"type": "value", "options": options}}
}

// Colours of the states, everywhere the same.
const (
	green  = "green"
	yellow = "#EAB839"
	red    = "red"
	grey   = "#8E8E8E"
	blue   = "blue"
)

// stat is one number.
func stat(title, about, unit, expr string, steps ...step) Panel {
	return Panel{Type: "stat", Title: title, Description: about, Source: source, Targets: targets("time_series", true, []query{{expr, ""}}),
		Fields:  &fields{object{"unit": unit, "thresholds": thresholds(steps...), "color": object{"mode": "thresholds"}, "noValue": "–"}, []object{}},
		Options: object{"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto", "reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}}}
}

// lines is a graph over time. A gap stays one: nothing is drawn across what was not measured.
func lines(title, about, unit string, queries ...query) Panel {
	return Panel{Type: "timeseries", Title: title, Description: about, Source: source, Targets: targets("time_series", false, queries),
		Fields: &fields{object{"unit": unit, "min": 0, "color": object{"mode": "palette-classic"}, "thresholds": thresholds(),
			"custom": object{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 5, "showPoints": "auto", "spanNulls": false, "stacking": object{"mode": "none", "group": "A"}}}, []object{}},
		Options: object{"legend": object{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}}, "tooltip": object{"mode": "multi", "sort": "desc"}}}
}

// stacked is a graph whose lines are parts of a whole.
func stacked(p Panel) Panel {
	p.Fields.Defaults["custom"].(object)["stacking"] = object{"mode": "normal", "group": "A"}
	p.Fields.Defaults["custom"].(object)["fillOpacity"] = 60
	return p
}

// free is a graph that goes below zero.
func free(p Panel) Panel { delete(p.Fields.Defaults, "min"); return p }

// coloured gives series of these names a colour.
func coloured(p Panel, words ...word) Panel {
	for _, w := range words {
		p.Fields.Overrides = append(p.Fields.Overrides, object{"matcher": object{"id": "byName", "options": w.text},
			"properties": []object{{"id": "color", "value": object{"mode": "fixed", "fixedColor": w.colour}}}})
	}
	return p
}

// bars is a list of the greatest, the greatest first.
func bars(title, about, unit, expr, legend string, steps ...step) Panel {
	return Panel{Type: "bargauge", Title: title, Description: about, Source: source, Targets: targets("time_series", true, []query{{"sort_desc(" + expr + ")", legend}}),
		Fields:  &fields{object{"unit": unit, "min": 0, "thresholds": thresholds(steps...), "color": object{"mode": "thresholds"}}, []object{}},
		Options: object{"displayMode": "basic", "orientation": "horizontal", "showUnfilled": true, "minVizWidth": 0, "minVizHeight": 10, "reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}}}
}

// timeline is states over time, a line each.
func timeline(title, about string, words []word, queries ...query) Panel {
	return Panel{Type: "state-timeline", Title: title, Description: about, Source: source, Targets: targets("time_series", false, queries),
		Fields:  &fields{object{"mappings": mapping(words...), "color": object{"mode": "thresholds"}, "thresholds": thresholds(step{grey, nil}), "custom": object{"fillOpacity": 80, "lineWidth": 0, "spanNulls": false}}, []object{}},
		Options: object{"mergeValues": true, "showValue": "auto", "alignValue": "left", "rowHeight": 0.9, "legend": object{"displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": []string{}}, "tooltip": object{"mode": "single", "sort": "none"}}}
}

// heat is a map of how many were how slow.
func heat(title, about, unit, expr string) Panel {
	return Panel{Type: "heatmap", Title: title, Description: about, Source: source, Targets: targets("heatmap", false, []query{{expr, "{{le}}"}}),
		Fields: &fields{object{"custom": object{"hideFrom": object{"legend": false, "tooltip": false, "viz": false}, "scaleDistribution": object{"type": "linear"}}}, []object{}},
		Options: object{"calculate": false, "cellGap": 1, "color": object{"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5, "fill": "dark-orange", "scale": "exponential", "reverse": false},
			"exemplars": object{"color": "rgba(255,0,255,0.7)"}, "filterValues": object{"le": 1e-9}, "legend": object{"show": true}, "rowsFrame": object{"layout": "auto"}, "showValue": "never",
			"tooltip": object{"mode": "single", "show": true, "yHistogram": false}, "yAxis": object{"axisPlacement": "left", "reverse": false, "unit": unit}}}
}

// column says what a label of a table is called, and what it shows; without a name it is hidden.
type column struct {
	label, name string
	unit        string
	words       []word
	monitor     bool // leads to the dashboard of the monitor
}

// table has a row for each series, with the columns in this order.
func table(title, about, expr string, columns ...column) Panel {
	hide, order, names, overrides := object{"Time": true, "__name__": true, "job": true}, object{}, object{}, []object{}
	for i, c := range columns {
		if c.name == "" {
			hide[c.label] = true
			continue
		}
		order[c.label], names[c.label] = i, c.name
		overrides = append(overrides, c.override()...)
	}
	return Panel{Type: "table", Title: title, Description: about, Source: source, Targets: targets("table", true, []query{{expr, ""}}),
		Fields:    &fields{object{"thresholds": thresholds(), "noValue": "none", "custom": object{"align": "auto", "displayMode": "auto"}}, overrides},
		Options:   object{"showHeader": true, "footer": object{"show": false, "reducer": []string{"sum"}, "fields": ""}},
		Transform: []object{{"id": "organize", "options": object{"excludeByName": hide, "indexByName": order, "renameByName": names}}}}
}

func (c column) override() (all []object) {
	var properties []object
	if c.unit != "" {
		properties = append(properties, object{"id": "unit", "value": c.unit})
	}
	if c.words != nil {
		properties = append(properties, object{"id": "mappings", "value": mapping(c.words...)}, object{"id": "custom.displayMode", "value": "color-background-solid"})
	}
	if c.monitor {
		properties = append(properties, object{"id": "links", "value": []object{{"title": "this monitor", "url": "/d/" + monitorUID + "?var-datasource=${datasource}&var-monitor=${__value.text}&${__url_time_range}"}}})
	}
	if properties == nil {
		return nil
	}
	return []object{{"matcher": object{"id": "byName", "options": c.name}, "properties": properties}}
}

// matrix has a row for each monitor and a column for each agent.
func matrix(title, about, expr string, words []word) Panel {
	p := table(title, about, expr)
	p.Fields.Defaults["mappings"], p.Fields.Defaults["noValue"] = mapping(words...), "–"
	p.Fields.Defaults["custom"] = object{"align": "center", "displayMode": "color-background-solid"}
	p.Fields.Overrides = slices.Concat([]object{{"matcher": object{"id": "byName", "options": `monitor\agent`}, "properties": []object{{"id": "custom.displayMode", "value": "auto"}, {"id": "custom.align", "value": "left"}}}})
	p.Transform = []object{{"id": "groupingToMatrix", "options": object{"columnField": "agent", "rowField": "monitor", "valueField": "Value", "emptyValue": "null"}}}
	return p
}

// quantile is a quantile of netmon's latencies, out of classic histograms or native ones,
// whichever Prometheus keeps.
func quantile(q, by, selector string) string {
	const h = "netmon_latency_histogram_seconds"
	rate := func(name string) string { return "(rate(" + name + selector + "[$__rate_interval]))" }
	le := "le"
	if by != "" {
		le, by = by+", le", " by ("+by+")"
	}
	return "histogram_quantile(" + q + ", sum by (" + le + ") " + rate(h+"_bucket") + ") or histogram_quantile(" + q + ", sum" + by + " " + rate(h) + ")"
}

// buckets are the latencies of a heat map, likewise.
func buckets(selector string) string {
	const h = "netmon_latency_histogram_seconds"
	return "sum by (le) (increase(" + h + "_bucket" + selector + "[$__rate_interval])) or sum (increase(" + h + selector + "[$__rate_interval]))"
}
