package service

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// scanEndings are what the names of scans end with.
var scanEndings = []string{".pdf", ".jpg", ".jpeg", ".png", ".heic", ".heif", ".webp", ".tif", ".tiff", ".bmp", ".gif"}

// IsArchive reports whether a file's name says that it is an archive. It decides
// only which conversation a file starts; what the file is, its content says.
func IsArchive(name string) bool { return strings.EqualFold(path.Ext(name), ".zip") }

// scanKey makes the name of a file and the number of an application comparable:
// what no file name may have is a hyphen there.
func scanKey(number string) string { return strings.ToLower(fileName(number)) }

// scanName is the name of a file without its ending.
func scanName(name string) string {
	if ext := path.Ext(name); slices.Contains(scanEndings, strings.ToLower(ext)) {
		name = strings.TrimSuffix(name, ext)
	}
	return strings.TrimSpace(name)
}

// ScanNames tells as which application a file of scans is called.
type ScanNames struct {
	byKey    map[string][]int64 // those of the exam, by scanKey
	byNumber map[string][]int64 // those of other exams, to the letter
}

// NewScanNames returns the names of scans of an exam: its applications, and those
// of other exams of its center.
func NewScanNames(exam, elsewhere []Application) ScanNames {
	out := ScanNames{byKey: make(map[string][]int64, len(exam)), byNumber: make(map[string][]int64, len(elsewhere))}
	for i := range exam {
		k := scanKey(exam[i].Number)
		out.byKey[k] = append(out.byKey[k], exam[i].ID)
	}
	for i := range elsewhere {
		out.byNumber[elsewhere[i].Number] = append(out.byNumber[elsewhere[i].Number], elsewhere[i].ID)
	}
	return out
}

// Of returns the application whose number a file is called by, 0 for nobody's and
// for a name that can mean several: 12-1 is not taken for 12/1 of the exam while
// another one is called 12-1.
func (n ScanNames) Of(file string) int64 {
	name := scanName(file)
	if meant := slices.Concat(n.byKey[scanKey(name)], n.byNumber[name]); len(meant) == 1 {
		return meant[0]
	}
	return 0
}

// calledScans finds the pages that have a name: those that are the only one in
// their file, or in their entry of an archive. The result is by page, without
// ending.
func calledScans(ctx context.Context, q Queries, batchID int64) (map[int64]string, error) {
	files, err := q.ScanFiles(ctx, batchID)
	if err != nil {
		return nil, err
	}
	names := make(map[int64]string, len(files))
	for _, f := range files {
		names[f.ID] = f.Name
	}
	pages, err := q.ScanPages(ctx, batchID, nil, 0, mostPages)
	if err != nil {
		return nil, err
	}
	type place struct {
		file  int64
		entry string
	}
	together := make(map[place]int)
	for i := range pages {
		together[place{pages[i].FileID, pages[i].Name}]++
	}
	out := make(map[int64]string)
	for i := range pages {
		if p := &pages[i]; together[place{p.FileID, p.Name}] == 1 {
			out[p.ID] = scanName(cmp.Or(p.Name, names[p.FileID]))
		}
	}
	return out, nil
}

// NamedFor tells whose number the name of a file for an application is when it is
// another's: one of the same exam, or one that the actor may see. "" is nobody's.
func (s *Scans) NamedFor(ctx context.Context, by Actor, applicationID int64, file string) (string, error) {
	name, other := scanName(file), ""
	err := s.look(ctx, by, applicationID, func(e *Exam, a *Application) error {
		if scanKey(name) == scanKey(a.Number) {
			return nil
		}
		list, err := s.store.Applications(ctx, e.ID)
		if err != nil {
			return fmt.Errorf("applications of exam %d: %w", e.ID, err)
		}
		for i := range list {
			if scanKey(list[i].Number) == scanKey(name) {
				other = list[i].Number
				return nil
			}
		}
		found, err := s.store.ApplicationByNumber(ctx, by, name)
		switch {
		case err == nil:
			other = found.Number
		case AsError(err).Kind != NotFound:
			return fmt.Errorf("application by its number: %w", err)
		}
		return nil
	})
	return other, err
}
