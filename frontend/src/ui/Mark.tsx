/** The mark: a gate arch with a keyhole. */
export function Mark({ size = 28 }: { size?: number }) {
	return (
		<svg width={size} height={size} viewBox="0 0 128 128" aria-hidden="true" focusable="false">
			<path fill="var(--gh-accent)" d="M14 118V56a50 50 0 0 1 100 0v62a4 4 0 0 1-4 4H18a4 4 0 0 1-4-4z" />
			<path fill="var(--gh-panel)" d="M32 122V58a32 32 0 0 1 64 0v64z" />
			<path
				fill="var(--gh-accent)"
				d="M64 62a13 13 0 0 1 6.2 24.43L75 106a2 2 0 0 1-1.95 2.45H54.95A2 2 0 0 1 53 106l4.8-19.57A13 13 0 0 1 64 62z"
			/>
		</svg>
	);
}
