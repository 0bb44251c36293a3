// Package main holds the answers that a browser got from the API to the description that the same server gave: one JSON object a line in
// the file of answers, as build/e2e/answers.mjs writes it.
//
//	answers DESCRIPTION ANSWERS     exits with 1 when one does not conform, and when there is none
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"gatehouse/backend/rest/conform"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "answers: give the file of the description and the file of the answers")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "answers:", err)
		os.Exit(1)
	}
}

// recorded is one answer.
type recorded struct {
	Method  string      `json:"method"`
	Path    string      `json:"path"` // with its query
	Status  int         `json:"status"`
	Headers [][2]string `json:"headers"`
	Body    []byte      `json:"body"` // in base64
	Lost    bool        `json:"lost"` // the browser went on before the body was there
}

func run(description, answers string, out io.Writer) error {
	b, err := os.ReadFile(description)
	if err != nil {
		return err
	}
	c, err := conform.New(b)
	if err != nil {
		return err
	}
	f, err := os.Open(answers)
	if err != nil {
		return err
	}
	defer f.Close()
	var wrong []error
	checked, lost, operations := 0, 0, map[string]bool{}
	for d := json.NewDecoder(bufio.NewReader(f)); ; {
		var a recorded
		if err := d.Decode(&a); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if a.Lost {
			lost++
			continue
		}
		checked++
		h := http.Header{}
		for _, line := range a.Headers {
			h.Add(line[0], line[1])
		}
		if op := c.Operation(a.Method, a.Path); op != "" {
			operations[op] = true
		}
		if err := c.Check(a.Method, a.Path, a.Status, h, a.Body); err != nil {
			wrong = append(wrong, err)
		}
	}
	fmt.Fprintf(out, "answers: %d answers of %d operations checked, %d without a body left out, %d do not conform\n", checked, len(operations), lost, len(wrong))
	if checked == 0 || lost > checked/4 {
		wrong = append(wrong, fmt.Errorf("%d answers with their bodies and %d without are no proof", checked, lost))
	}
	return errors.Join(wrong...)
}
