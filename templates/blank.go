package templates

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed blank/*.csv
var blankFiles embed.FS

// BlankProfiles returns the blank profiles that come with the program, by the
// names of their files: tables with semicolons, in the form that the service
// reads. One row is one thing on the blank, so that an employee of a centre can
// copy the table in Excel and change it for another printing house.
//
// The figures of blank-210 are measured on a picture of a blank in a public
// manual, to about 2 mm; the other house is made up.
func BlankProfiles() ([]string, error) {
	names, err := fs.Glob(blankFiles, "blank/*.csv")
	if err != nil {
		return nil, fmt.Errorf("list blank profiles: %w", err)
	}
	profiles := make([]string, 0, len(names))
	for _, name := range names {
		b, err := blankFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read blank profile %s: %w", name, err)
		}
		profiles = append(profiles, string(b))
	}
	return profiles, nil
}
