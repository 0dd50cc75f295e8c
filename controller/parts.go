package controller

import (
	"bytes"
	"encoding/json"
)

// splitParts cuts a shard into messages of about so many bytes. A list, which shards of
// monitors are, becomes several lists, so that each message can be read by itself;
// anything else that is longer is cut where it has to be.
func splitParts(data []byte, most int) (parts [][]byte) {
	if len(data) <= most {
		return [][]byte{data}
	}
	var items []json.RawMessage
	if json.Unmarshal(data, &items) != nil {
		for ; len(data) > most; data = data[most:] {
			parts = append(parts, data[:most:most])
		}
		return append(parts, data)
	}
	part := []byte{'['}
	for _, item := range items {
		if len(part) > 1 && len(part)+len(item) >= most {
			parts, part = append(parts, append(part, ']')), []byte{'['}
		}
		if len(part) > 1 {
			part = append(part, ',')
		}
		part = append(part, item...)
	}
	return append(parts, append(part, ']'))
}

// joinParts is what splitParts cut.
func joinParts(parts [][]byte) []byte {
	if len(parts) < 2 || len(parts[0]) == 0 || parts[0][0] != '[' {
		return bytes.Join(parts, nil)
	}
	for i, part := range parts {
		parts[i] = bytes.TrimSuffix(bytes.TrimPrefix(part, []byte("[")), []byte("]"))
	}
	return append(append([]byte{'['}, bytes.Join(parts, []byte(","))...), ']')
}
