"""What is known of the window beside its images: the gauge, and marginalised keyframes."""
