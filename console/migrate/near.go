package migrate

import (
	"path/filepath"
	"strings"
)

// IncludeNear is Include for a folder that was copied from elsewhere, with absolute paths in
// it: where nothing stands at the path, its last parts are looked for beside the file that
// names it.
func (in *Input) IncludeNear(from File, path string) ([]File, error) {
	parts := strings.Split(filepath.ToSlash(path), "/")
	tries := []string{path}
	for k := min(len(parts)-1, 4); k > 0; k-- {
		tries = append(tries, filepath.Join(parts[len(parts)-k:]...))
	}
	for _, try := range tries {
		files, err := in.Include(from, try)
		if len(files) > 0 || err != nil {
			return files, err
		}
	}
	return nil, nil
}
