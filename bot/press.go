package bot

import (
	"fmt"
	"strconv"
	"strings"
)

// maxData is the limit of callback_data in bytes.
// Source: Telegram Bot API, InlineKeyboardButton.callback_data (1-64 bytes).
const maxData = 64

// Action is the code of a button: two or three letters, never reused for
// another meaning, because old messages keep their buttons for years.
type Action string

// Press is what a button says when pressed: do this, to that, as it was when
// the button was drawn.
type Press struct {
	Do      Action
	ID      int64
	Version int // the revision of the row, or what the action's own comment says
}

// Data encodes p as "do:id:version", numbers in base 36. With a three-letter
// action the longest value is 32 bytes, half of maxData.
func (p Press) Data() string {
	return string(p.Do) + ":" + strconv.FormatInt(p.ID, 36) + ":" + strconv.FormatInt(int64(p.Version), 36)
}

// ParsePress reads callback data. The data comes from outside and may be
// forged: it names things, and grants nothing.
func ParsePress(data string) (Press, error) {
	part := strings.Split(data, ":")
	if len(data) > maxData || len(part) != 3 || part[0] == "" {
		return Press{}, fmt.Errorf("callback data of %d bytes and %d parts", len(data), len(part))
	}
	id, err := strconv.ParseInt(part[1], 36, 64)
	if err != nil {
		return Press{}, fmt.Errorf("callback data: id: %w", err)
	}
	version, err := strconv.ParseInt(part[2], 36, 32)
	if err != nil {
		return Press{}, fmt.Errorf("callback data: version: %w", err)
	}
	return Press{Action(part[0]), id, int(version)}, nil
}
