package export

import (
	"encoding/json"
	"math"
	"slices"

	"netmon/probes"
	"netmon/wire"
)

// each makes samples of the items of a list.
type each struct {
	family
	label  string
	figure int // the list, as it came
	probes.Each
}

// item is one of these samples.
type item struct {
	each   int // its place in the table
	label  string
	number float64
}

// mostItems bounds the items of a list: details come from agents.
const mostItems = 100

// items are the samples of lists in the details of a result. It is a new list each time.
func (t *table) items(there []found) (out []item) {
	for i := range t.each {
		e := &t.each[i]
		var list []map[string]any
		if raw := there[e.figure].text; raw == nil || json.Unmarshal(raw, &list) != nil {
			continue
		}
		begin := len(out)
		for _, one := range list[:min(len(list), mostItems)] {
			label, named := one[e.Label].(string)
			number, counted := one[e.Number].(float64)
			where, _ := one[e.Where].(string)
			if !named || !counted || math.IsInf(number, 0) || e.Where != "" && where != e.Is {
				continue
			}
			label = labelText(wire.Clip(label, mostText))
			if !slices.ContainsFunc(out[begin:], func(x item) bool { return x.label == label }) {
				out = append(out, item{i, label, number})
			}
		}
	}
	return out
}
