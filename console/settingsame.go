package console

import (
	"bytes"
	"encoding/json"

	"netmon/wire"
)

// SameSetting says whether two settings say the same: all but who saved them and how.
func SameSetting(a, b wire.Setting) bool {
	x, errX := plainSetting(a)
	y, errY := plainSetting(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// plainSetting is the one form of all settings that say the same: its fields by name.
func plainSetting(x wire.Setting) (json.RawMessage, error) {
	if r, ok := x.(*wire.NoticeRule); ok && r.To == nil { // nobody, as [] is
		c := *r
		c.To = []string{}
		x = &c
	}
	data, err := json.Marshal(x)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	for _, name := range savingFields {
		delete(fields, name)
	}
	for name, v := range fields {
		fields[name] = canonicalValue(v)
	}
	return json.Marshal(fields)
}

// savingFields are those of [wire.Saving], which nobody writes but the store.
var savingFields = []string{"revision", "edition", "author", "change"}

// canonicalValue writes a value with sorted keys.
func canonicalValue(raw json.RawMessage) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return raw
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return out
}

// cloneSetting is a copy that nobody else has.
func cloneSetting(x wire.Setting) (wire.Setting, error) {
	c, err := wire.NewSetting(x.Sort())
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(x)
	if err == nil {
		err = json.Unmarshal(data, c)
	}
	return c, err
}
