package grafana

import "encoding/json"

// Dashboard is what Grafana imports, as much of it as ours have.
type Dashboard struct {
	UID         string     `json:"uid"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Tags        []string   `json:"tags"`
	Schema      int        `json:"schemaVersion"`
	Version     int        `json:"version"`
	Editable    bool       `json:"editable"`
	Tooltip     int        `json:"graphTooltip"` // 1 is a crosshair through all panels
	Refresh     string     `json:"refresh"`
	Timezone    string     `json:"timezone"`
	Time        timeRange  `json:"time"`
	Links       []any      `json:"links"`
	Annotations list       `json:"annotations"`
	Templating  list       `json:"templating"`
	Panels      []Panel    `json:"panels"`
	next        coordinate // where the next panel goes
}

type list struct {
	List []any `json:"list"`
}

type timeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// schema is that of Grafana 9.0, which later ones bring up to their own.
const schema = 36

// source is the data source that the reader chooses.
var source = object{"type": "prometheus", "uid": "${datasource}"}

// object is JSON with its keys in order of the alphabet.
type object = map[string]any

// Panel is one field of a dashboard.
type Panel struct {
	ID          int      `json:"id"`
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Grid        grid     `json:"gridPos"`
	Source      object   `json:"datasource,omitempty"`
	Targets     []target `json:"targets,omitempty"`
	Fields      *fields  `json:"fieldConfig,omitempty"`
	Options     object   `json:"options,omitempty"`
	Transform   []object `json:"transformations,omitempty"`
	Collapsed   *bool    `json:"collapsed,omitempty"`
	Panels      any      `json:"panels,omitempty"` // of a row: none that it hides
}

type grid struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type coordinate struct{ x, y, row int } // row is the height of the row that x is in

// target is one query of a panel.
type target struct {
	Ref     string `json:"refId"`
	Source  object `json:"datasource"`
	Expr    string `json:"expr"`
	Legend  string `json:"legendFormat"`
	Format  string `json:"format"` // time_series, table or heatmap
	Instant bool   `json:"instant"`
	Range   bool   `json:"range"`
	Editor  string `json:"editorMode"`
}

type fields struct {
	Defaults  object   `json:"defaults"`
	Overrides []object `json:"overrides"`
}

// width of the grid.
const width = 24

// add places a panel behind the previous one, on the next line where it has no room.
func (d *Dashboard) add(w, h int, p Panel) {
	if d.next.x+w > width {
		d.next = coordinate{y: d.next.y + d.next.row}
	}
	p.ID, p.Grid = len(d.Panels)+1, grid{H: h, W: w, X: d.next.x, Y: d.next.y}
	d.next.x, d.next.row = d.next.x+w, max(d.next.row, h)
	d.Panels = append(d.Panels, p)
}

// row begins a part with a title.
func (d *Dashboard) row(title string) {
	d.next = coordinate{y: d.next.y + d.next.row}
	open := false
	d.add(width, 1, Panel{Type: "row", Title: title, Collapsed: &open, Panels: []Panel{}})
}

// JSON is the file.
func (d *Dashboard) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(d, "", "  ")
	return append(text, '\n'), err
}

func begin(uid, title, description string, variables ...any) *Dashboard {
	own := object{"builtIn": 1, "datasource": object{"type": "grafana", "uid": "-- Grafana --"}, "enable": true, "hide": true, "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard"}
	choice := object{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0, "includeAll": false, "multi": false, "refresh": 1, "regex": "", "options": []any{}, "current": object{}}
	link := object{"title": "netmon", "type": "dashboards", "tags": []string{"netmon"}, "asDropdown": true, "includeVars": false, "keepTime": true, "icon": "external link", "targetBlank": false, "tooltip": "", "url": ""}
	return &Dashboard{UID: uid, Title: title, Description: description, Tags: []string{"netmon"}, Schema: schema, Version: 1, Editable: true, Tooltip: 1, Refresh: "30s", Timezone: "browser",
		Time: timeRange{"now-6h", "now"}, Links: []any{link}, Annotations: list{[]any{own}}, Templating: list{append([]any{choice}, variables...)}}
}

// values is a variable with the values that a label has.
func values(name, label, query string, several bool) object {
	v := object{"name": name, "label": label, "type": "query", "datasource": source, "definition": query, "query": object{"query": query, "refId": "values"},
		"hide": 0, "includeAll": several, "multi": several, "refresh": 2, "regex": "", "sort": 1, "options": []any{}, "current": object{}}
	if several {
		v["allValue"], v["current"] = ".+", object{"selected": true, "text": []string{"All"}, "value": []string{"$__all"}}
	}
	return v
}
