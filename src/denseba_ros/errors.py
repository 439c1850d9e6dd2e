"""Errors that a user of denseba can cause and mend; everything else is a bug."""


class DensebaError(Exception):
    """Base of all errors that denseba raises on purpose."""


class ConfigurationError(DensebaError):
    """A configuration file or parameter has an unknown name or a value out of range."""


class CalibrationError(DensebaError):
    """A camera calibration is missing, inconsistent or does not fit its images."""


class ImageError(DensebaError):
    """An image has the wrong shape, type or encoding."""


class SequenceError(DensebaError):
    """A recorded sequence is missing, empty, truncated or of an unknown layout."""


class TrajectoryError(DensebaError):
    """A trajectory file is malformed, or two trajectories cannot be compared."""


class PoseGraphError(DensebaError):
    """A graph of poses, or a file of one, is malformed."""


class ImuError(DensebaError):
    """IMU samples are malformed, or there are none where they are needed."""


class MapFileError(DensebaError):
    """A map file is missing, damaged, in use, of another camera or of a newer version."""


class DownloadError(DensebaError):
    """A recording cannot be downloaded: unknown, not reachable, or damaged."""
