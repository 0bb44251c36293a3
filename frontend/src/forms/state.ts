import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ApiError } from "~/api/client";
import { problemText } from "~/ui/problem";
import { type FieldErrors, same, type Values } from "./wire";

export type FormState = {
	values: Values;
	initial: Values;
	errors: FieldErrors;
	general: string[];
	dirty: boolean;
	/** Goes up with each refused attempt, so that the summary can take the focus. */
	attempts: number;
	set: (name: string, value: unknown) => void;
	refuse: (errors: FieldErrors, general?: string[]) => void;
	refuseWith: (problem: Error) => void;
	reset: (values?: Values) => void;
};

export function useFormState(start: Values): FormState {
	const [initial, setInitial] = useState(start);
	const [values, setValues] = useState(start);
	const [errors, setErrors] = useState<FieldErrors>({});
	const [general, setGeneral] = useState<string[]>([]);
	const [attempts, setAttempts] = useState(0);
	const dirty = useMemo(() => !same(values, initial), [values, initial]);

	// A fresh read of an untouched form takes over; edits are never thrown away.
	const touched = useRef(false);
	touched.current = dirty;
	useEffect(() => {
		if (!touched.current) {
			setInitial(start);
			setValues(start);
		}
	}, [start]);

	const set = useCallback((name: string, value: unknown) => {
		setValues((now) => ({ ...now, [name]: value }));
		setErrors(({ [name]: _mended, ...others }) => others);
	}, []);
	const refuse = useCallback((found: FieldErrors, others: string[] = []) => {
		setErrors(found);
		setGeneral(others);
		setAttempts((count) => count + 1);
	}, []);
	const refuseWith = useCallback(
		(problem: Error) => {
			if (problem instanceof ApiError && Object.keys(problem.fields).length > 0) refuse(problem.fields, problem.general);
			else refuse({}, [problemText(problem)]);
		},
		[refuse],
	);
	const reset = useCallback(
		(next?: Values) => {
			const to = next ?? initial;
			setInitial(to);
			setValues(to);
			setErrors({});
			setGeneral([]);
		},
		[initial],
	);
	return { values, initial, errors, general, dirty, attempts, set, refuse, refuseWith, reset };
}
