"""IMUs of recordings: beside the camera of a EuRoC folder, or a topic of a bag."""
