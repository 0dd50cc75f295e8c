package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"io/fs"
	"path"
	"slices"
	"time"
)

// file is one of an archive or a package. Paths have no slash at their beginning.
type file struct {
	path string
	mode fs.FileMode
	data []byte
}

// archiveFiles are those of the archive of a target.
func archiveFiles(t target, program []byte, texts texts, licences []byte) []file {
	files := []file{
		{t.program(), 0o755, program},
		{"README.md", 0o644, texts["README.md"]},
		{"CHANGELOG.md", 0o644, texts["CHANGELOG.md"]},
		{"LICENCE.txt", 0o644, texts["packaging/licence.txt"]},
		{"LICENCES-OF-MODULES.txt", 0o644, licences},
		{"examples/policy.yaml", 0o644, texts["packaging/policy.yaml"]},
		{"examples/notifier.yaml", 0o644, texts["packaging/notifier.yaml"]},
	}
	folders := []string{"man", "completions"}
	if t.windows() {
		folders = nil
	}
	for _, folder := range folders {
		for name, data := range texts.below(folder) {
			files = append(files, file{folder + "/" + name, 0o644, data})
		}
	}
	if t.os == "linux" {
		for name, data := range texts.below("packaging/systemd") {
			files = append(files, file{"systemd/" + name, 0o644, data})
		}
	}
	return files
}

// ending is that of the name of a target's archive.
func (t target) ending() string {
	if t.windows() {
		return ".zip"
	}
	return ".tar.gz"
}

// archive packs files into a folder of this name, in an order and with times that are the
// same each time.
func (t target) archive(folder string, files []file, at time.Time) ([]byte, error) {
	for i := range files {
		files[i].path = folder + "/" + files[i].path
	}
	if t.windows() {
		return zipped(files, at)
	}
	return tarred("", files, at)
}

func sorted(files []file) []file {
	return slices.SortedFunc(slices.Values(files), func(a, b file) int { return cmp.Compare(a.path, b.path) })
}

// tarred is a tar archive, compressed, of files and the folders above them, all root's. The
// prefix stands before each path.
func tarred(prefix string, files []file, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	compressed := gzip.NewWriter(&out) // the best level takes twice the time, for 0.4 %
	w := tar.NewWriter(compressed)
	made := map[string]bool{".": true}
	head := func(h tar.Header) error {
		h.ModTime, h.Uname, h.Gname, h.Format = at, "root", "root", tar.FormatGNU
		return w.WriteHeader(&h)
	}
	for _, f := range sorted(files) {
		for _, dir := range parents(f.path) {
			if made[dir] {
				continue
			}
			made[dir] = true
			if err := head(tar.Header{Typeflag: tar.TypeDir, Name: prefix + dir + "/", Mode: 0o755}); err != nil {
				return nil, err
			}
		}
		if err := head(tar.Header{Typeflag: tar.TypeReg, Name: prefix + f.path, Mode: int64(f.mode), Size: int64(len(f.data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := compressed.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// parents are the folders above a path, the top one first.
func parents(p string) (out []string) {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		out = append(out, dir)
	}
	slices.Reverse(out)
	return out
}

func zipped(files []file, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range sorted(files) {
		h := &zip.FileHeader{Name: f.path, Method: zip.Deflate, Modified: at.UTC()}
		h.SetMode(f.mode)
		into, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := into.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// gzipped compresses one file, as gzip -9n does.
func gzipped(data []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // an error is of the level only
	w.Write(data)                                           // a buffer takes all
	w.Close()
	return out.Bytes()
}
