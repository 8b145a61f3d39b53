package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxUpload is what a bot may send as a document, in bytes. Source: Telegram
	// Bot API, sendDocument ("files of any type of up to 50 MB in size").
	maxUpload = 50 << 20
	// maxField is the most that one value of a form may hold, in bytes: far
	// above any text with its markup, far below what would cost memory.
	maxField = 1 << 20
)

// apiError is an answer with ok=false.
type apiError struct {
	code        int
	description string
	retryAfter  int // seconds, 0 for none
}

func (e *apiError) Error() string { return e.description }

func badRequest(format string, args ...any) *apiError {
	return &apiError{code: http.StatusBadRequest, description: "Bad Request: " + fmt.Sprintf(format, args...)}
}

func forbidden(what string) *apiError {
	return &apiError{code: http.StatusForbidden, description: "Forbidden: " + what}
}

// upload is a file that came with a call.
type upload struct {
	name string
	mime string // as the sender declared it
	data []byte
	size int64 // in bytes; more than len(data) when the file was over the limit
}

// call is one request to a method.
type call struct {
	shape *shape
	args  map[string]string // as in a form: objects and arrays are JSON text
	files map[string]*upload
}

// names returns the parameters in a fixed order.
func (c *call) names() []string {
	names := make([]string, 0, len(c.args))
	for name := range c.args {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (c *call) mentions(text string) bool {
	for _, v := range c.args {
		if strings.Contains(v, `"`+text+`"`) || v == text {
			return true
		}
	}
	return false
}

func (c *call) has(name string) bool {
	_, ok := c.args[name]
	return ok
}

// integer returns 0 when the parameter is absent; its form was checked before.
func (c *call) integer(name string) int64 {
	n, err := strconv.ParseInt(c.args[name], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (c *call) flag(name string) bool {
	b, err := readBool(c.args[name])
	return err == nil && b
}

// object decodes a JSON parameter and reports whether it was there.
func (c *call) object(name string, into any) (bool, error) {
	text, ok := c.args[name]
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return false, badRequest("can't parse %s JSON object: %v", name, err)
	}
	return true, nil
}

func (c *call) chat() int64 {
	if c == nil {
		return 0
	}
	return c.integer("chat_id")
}

// readCall takes the parameters from the address and from a body in any of the
// three forms that Telegram accepts.
func readCall(r *http.Request, sh *shape) (*call, error) {
	c := &call{shape: sh, args: map[string]string{}, files: map[string]*upload{}}
	if err := c.addForm(r.URL.Query()); err != nil {
		return nil, err
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	switch kind {
	case "multipart/form-data":
		err = c.readMultipart(multipart.NewReader(r.Body, params["boundary"]))
	case "application/json":
		err = c.readJSON(r.Body)
	default:
		err = c.readForm(r.Body)
	}
	if err != nil {
		return nil, err
	}
	for name, value := range c.args {
		// Clients write null for what is absent.
		if value == "null" && !slices.ContainsFunc(sh.fields[name].kinds, isString) {
			delete(c.args, name)
		}
	}
	return c, nil
}

func isString(k kind) bool { return k == kind{name: "String"} }

func (c *call) addForm(values url.Values) error {
	for name, all := range values {
		if _, twice := c.args[name]; twice || len(all) != 1 {
			return badRequest("parameter %q is given more than once", name)
		}
		c.args[name] = all[0]
	}
	return nil
}

func (c *call) readForm(body io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(body, maxField+1))
	if err != nil {
		return err
	}
	if len(raw) > maxField {
		return tooLarge()
	}
	values, err := url.ParseQuery(string(raw))
	if err != nil {
		return badRequest("can't parse the form: %v", err)
	}
	return c.addForm(values)
}

func (c *call) readJSON(body io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(body, maxField+1))
	if err != nil {
		return err
	}
	if len(raw) > maxField {
		return tooLarge()
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return badRequest("can't parse JSON object: %v", err)
	}
	for name, value := range object {
		text := string(value)
		if text == "null" {
			continue
		}
		if strings.HasPrefix(text, `"`) {
			if err := json.Unmarshal(value, &text); err != nil {
				return badRequest("can't parse JSON object: %v", err)
			}
		}
		c.args[name] = text
	}
	return nil
}

func (c *call) readMultipart(parts *multipart.Reader) error {
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return badRequest("can't parse the multipart form: %v", err)
		}
		name := part.FormName()
		limit := int64(maxField)
		if part.FileName() != "" {
			limit = maxUpload
		}
		data, err := io.ReadAll(io.LimitReader(part, limit+1))
		if err != nil {
			return badRequest("can't parse the multipart form: %v", err)
		}
		size := int64(len(data))
		if size > limit {
			// Read to the end: a client that is cut off while it writes sees a
			// broken connection instead of the refusal.
			rest, err := io.Copy(io.Discard, part)
			if err != nil {
				return err
			}
			data, size = nil, size+rest
		}
		_, twice := c.args[name]
		if _, again := c.files[name]; twice || again {
			return badRequest("parameter %q is given more than once", name)
		}
		if part.FileName() == "" {
			if size > limit {
				return tooLarge()
			}
			c.args[name] = string(data)
			continue
		}
		c.files[name] = &upload{name: part.FileName(), mime: part.Header.Get("Content-Type"), data: data, size: size}
	}
}

func tooLarge() *apiError {
	return &apiError{code: http.StatusRequestEntityTooLarge, description: "Request Entity Too Large"}
}
