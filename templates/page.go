package templates

import (
	"embed"
	"fmt"
	"html/template"
)

//go:embed page
var pages embed.FS

// UploadPage returns the page at which people send files that are too large for
// the chat: "upload", and "dead" for a link that leads nowhere.
func UploadPage() (*template.Template, error) {
	t, err := template.New("upload").Option("missingkey=error").Funcs(funcs).ParseFS(pages, "page/"+Base+"/upload.html")
	if err != nil {
		return nil, fmt.Errorf("upload page: %w", err)
	}
	return t, nil
}
