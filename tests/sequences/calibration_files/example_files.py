"""The same pinhole camera, or a fisheye, as every tool writes it."""

import json

FX, FY, CX, CY = 262.5, 263.5, 159.5, 119.25
D = (0.1, -0.02, 0.003, -0.004)
_K = f"{FX}, 0., {CX}, 0., {FY}, {CY}, 0., 0., 1."
_D = ", ".join(map(str, D))

KALIBR = f"""\
cam0:
  T_cam_imu:
  - [1.0, 0.0, 0.0, 0.0]
  - [0.0, 1.0, 0.0, 0.0]
  - [0.0, 0.0, 1.0, 0.0]
  - [0.0, 0.0, 0.0, 1.0]
  cam_overlaps: [1]
  camera_model: pinhole
  distortion_coeffs: [{_D}]
  distortion_model: radtan
  intrinsics: [{FX}, {FY}, {CX}, {CY}]
  resolution: [320, 240]
  rostopic: /cam0/image_raw
"""
KALIBR_FISHEYE = KALIBR.replace("radtan", "equidistant")
KALIBR_STEREO = KALIBR + KALIBR.replace("cam0", "cam1").replace(str(FX), "300.0")
ORB_SLAM2 = f"""\
%YAML:1.0

#--------------------------------------------------------------------------------------------
# Camera Parameters. Adjust them!
#--------------------------------------------------------------------------------------------
Camera.fx: {FX}
Camera.fy: {FY}
Camera.cx: {CX}
Camera.cy: {CY}

Camera.k1: {D[0]}
Camera.k2: {D[1]}
Camera.p1: {D[2]}
Camera.p2: {D[3]}

Camera.width: 320
Camera.height: 240
Camera.fps: 30.0
Camera.RGB: 1
ORBextractor.nFeatures: 1000
"""
ORB_SLAM3 = ORB_SLAM2.replace("Camera.", "Camera1.").replace("Camera1.width", "Camera.width")
ORB_SLAM3 = ORB_SLAM3.replace("Camera1.height", "Camera.height")
ORB_SLAM3 = ORB_SLAM3.replace(
    "%YAML:1.0\n", '%YAML:1.0\nFile.version: "1.0"\nCamera.type: "PinHole"\n'
)
ORB_SLAM3_FISHEYE = (
    ORB_SLAM3.replace("PinHole", "KannalaBrandt8").replace("p1", "k3").replace("p2", "k4")
)
OPENCV = f"""\
%YAML:1.0
---
calibration_time: "Mon 02 Jan 2023 10:00:00"
image_width: 320
image_height: 240
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ {_K} ]
distortion_coefficients: !!opencv-matrix
   rows: 1
   cols: 4
   dt: d
   data: [ {_D} ]
avg_reprojection_error: 1.8999999999999999e-01
"""
OPENCV_XML = f"""\
<?xml version="1.0"?>
<opencv_storage>
<image_width>320</image_width>
<image_height>240</image_height>
<cameraMatrix type_id="opencv-matrix">
  <rows>3</rows><cols>3</cols><dt>d</dt>
  <data>{_K.replace(",", "")}</data></cameraMatrix>
<distCoeffs type_id="opencv-matrix">
  <rows>1</rows><cols>4</cols><dt>d</dt>
  <data>{_D.replace(",", "")}</data></distCoeffs>
</opencv_storage>
"""
ROS_YAML = f"""\
image_width: 320
image_height: 240
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [{_K}]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [{_D}, 0.0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
projection_matrix:
  rows: 3
  cols: 4
  data: [250.0, 0.0, 160.0, 0.0, 0.0, 251.0, 120.0, 0.0, 0.0, 0.0, 1.0, 0.0]
"""
RTABMAP = "%YAML:1.0\n---\n" + ROS_YAML.replace("narrow_stereo", '"cam"')
VINS = f"""\
%YAML:1.0
---
model_type: PINHOLE
camera_name: camera
image_width: 320
image_height: 240
distortion_parameters:
   k1: {D[0]}
   k2: {D[1]}
   p1: {D[2]}
   p2: {D[3]}
projection_parameters:
   fx: {FX}
   fy: {FY}
   cx: {CX}
   cy: {CY}
"""
VINS_FISHEYE = f"""\
%YAML:1.0
---
model_type: KANNALA_BRANDT
camera_name: camera
image_width: 320
image_height: 240
projection_parameters:
   k2: {D[0]}
   k3: {D[1]}
   k4: {D[2]}
   k5: {D[3]}
   mu: {FX}
   mv: {FY}
   u0: {CX}
   v0: {CY}
"""
VINS_MEI = """\
%YAML:1.0
---
model_type: MEI
camera_name: camera
image_width: 320
image_height: 240
mirror_parameters:
   xi: 3.6
distortion_parameters:
   k1: 0.8
   k2: 9.7
   p1: -1.3e-04
   p2: 1.1e-03
projection_parameters:
   gamma1: 1669.0
   gamma2: 1672.0
   u0: 160.0
   v0: 120.0
"""
ECHO = f"""\
header:
  stamp:
    sec: 1
    nanosec: 0
  frame_id: cam
height: 240
width: 320
distortion_model: plumb_bob
d:
- {D[0]}
- {D[1]}
- {D[2]}
- {D[3]}
- 0.0
k: [{_K}]
r: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
p: [250.0, 0.0, 160.0, 0.0, 0.0, 251.0, 120.0, 0.0, 0.0, 0.0, 1.0, 0.0]
binning_x: 0
binning_y: 0
roi:
  x_offset: 0
  y_offset: 0
  height: 0
  width: 0
  do_rectify: false
---
"""
OST = f"""\
# oST version 5.0 parameters


[image]

width
320

height
240

[narrow_stereo]

camera matrix
{FX} 0.000000 {CX}
0.000000 {FY} {CY}
0.000000 0.000000 1.000000

distortion
{_D.replace(",", "")} 0.000000

rectification
1.000000 0.000000 0.000000
0.000000 1.000000 0.000000
0.000000 0.000000 1.000000

projection
250.000000 0.000000 160.000000 0.000000
0.000000 251.000000 120.000000 0.000000
0.000000 0.000000 1.000000 0.000000
"""
COLMAP = f"""\
# Camera list with one line of data per camera:
#   CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]
# Number of cameras: 1
1 OPENCV 320 240 {FX} {FY} {CX + 0.5} {CY + 0.5} {_D.replace(",", "")}
"""
DSO = f"RadTan {FX} {FY} {CX} {CY} {_D.replace(',', '')}\n320 240\ncrop\n320 240\n"
DSO_RELATIVE = (
    f"Pinhole {FX / 320} {FY / 240} {(CX + 0.5) / 320} {(CY + 0.5) / 240} 0\n"
    "320 240\ncrop\n640 480\n"
)
DSO_FOV = "0.5357 0.6695 0.4932 0.5004 0.8979\n1280 1024\ncrop\n640 480\n"
_NUMBERS = {"fx": FX, "fy": FY, "cx": CX, "cy": CY}
JSON_NESTED = json.dumps({"version": 1, "cameras": {"color": {**_NUMBERS, "w": 320, "h": 240}}})
JSON_NERFSTUDIO = json.dumps(
    {
        "w": 320,
        "h": 240,
        "fl_x": FX,
        "fl_y": FY,
        "cx": CX,
        "cy": CY,
        **dict(zip(("k1", "k2", "p1", "p2"), D, strict=True)),
        "camera_model": "OPENCV",
        "frames": [{"file_path": "images/1.png"}, {"file_path": "images/2.png"}],
    }
)
JSON_REALSENSE = json.dumps(
    {
        "color": {
            "width": 320,
            "height": 240,
            "ppx": CX,
            "ppy": CY,
            "fx": FX,
            "fy": FY,
            "model": "distortion.brown_conrady",
            "coeffs": [*D, 0.0],
        }
    }
)
JSON_OPEN3D = json.dumps(
    {
        "width": 320,
        "height": 240,
        "intrinsic_matrix": [FX, 0.0, 0.0, 0.0, FY, 0.0, CX, CY, 1.0],
    }
)
OKVIS = f"""\
%YAML:1.0
cameras:
     - {{T_SC: [1.0, 0.0],
        image_dimension: [320, 240],
        distortion_coefficients: [{_D}],
        distortion_type: radialtangential,
        focal_length: [{FX}, {FY}],
        principal_point: [{CX}, {CY}]}}
"""
# OpenVSLAM and stella_vslam: nested, or with the keys of ORB-SLAM.
STELLA = f"""\
Camera:
  name: "desk"
  setup: "monocular"
  model: "perspective"
  fx: {FX}
  fy: {FY}
  cx: {CX}
  cy: {CY}
  k1: {D[0]}
  k2: {D[1]}
  p1: {D[2]}
  p2: {D[3]}
  k3: 0.0
  fps: 30.0
  cols: 320
  rows: 240
  color_order: "Gray"
"""
OPENVSLAM = ORB_SLAM2.replace("Camera.fps", 'Camera.model: "perspective"\nCamera.fps')
OPENVSLAM_FISHEYE = OPENVSLAM.replace("perspective", "fisheye")
OPENVSLAM_FISHEYE = OPENVSLAM_FISHEYE.replace("p1", "k3").replace("p2", "k4")


def basalt(kind: str, *names: str, cameras: int = 1) -> str:
    """calibration.json of Basalt, whose cameras are all alike."""
    lens = dict(zip(names, D, strict=False))
    camera = {"camera_type": kind, "intrinsics": {**_NUMBERS, **lens}}
    value = {
        "T_imu_cam": [{"px": 0.0, "py": 0.0, "pz": 0.0, "qx": 0.0, "qw": 1.0}] * cameras,
        "intrinsics": [camera] * cameras,
        "resolution": [[320, 240]] * cameras,
        "vignette": [],
    }
    return json.dumps({"value0": value})


KITTI = f"P0: {FX} 0 {CX} 0 0 {FY} {CY} 0 0 0 1 0\nP1: {FX} 0 {CX} -380 0 {FY} {CY} 0 0 0 1 0\n"
NUMPY = f"camera_matrix:\n- [{FX}, 0.0, {CX}]\n- [0.0, {FY}, {CY}]\n- [0.0, 0.0, 1.0]\n"
NUMPY += f"dist_coeff:\n- [{_D}]\n"

PINHOLES = {
    "camchain.yaml": KALIBR,
    "TUM1.yaml": ORB_SLAM2,
    "orbslam3.yaml": ORB_SLAM3,
    "opencv.yml": OPENCV,
    "opencv.xml": OPENCV_XML,
    "ost.yaml": ROS_YAML,
    "rtabmap.yaml": RTABMAP,
    "vins.yaml": VINS,
    "echo.yaml": ECHO,
    "ost.txt": OST,
    "cameras.txt": COLMAP,
    "dso.txt": DSO,
    "transforms.json": JSON_NERFSTUDIO,
    "realsense.json": JSON_REALSENSE,
    "okvis.yaml": OKVIS,
    "numpy.yaml": NUMPY,
    "stella.yaml": STELLA,
    "openvslam.yaml": OPENVSLAM,
    "basalt.json": basalt("pinhole-radtan8", "k1", "k2", "p1", "p2"),
}
UNDISTORTED = {
    "camera.txt": DSO_RELATIVE,
    "nested.json": JSON_NESTED,
    "open3d.json": JSON_OPEN3D,
    "calib.txt": KITTI,
    "K.txt": f"{FX} 0 {CX}\n0 {FY} {CY}\n0 0 1\n",
    "matrix.json": f"[[{FX}, 0, {CX}],\n [0, {FY}, {CY}],\n [0, 0, 1]]\n",
    "one_line.txt": f"{FX},{FY},{CX},{CY}",
}
FISHEYES = {
    "camchain.yaml": KALIBR_FISHEYE,
    "orbslam3.yaml": ORB_SLAM3_FISHEYE,
    "vins.yaml": VINS_FISHEYE,
    "cameras.txt": COLMAP.replace("OPENCV", "OPENCV_FISHEYE"),
    "dso.txt": DSO.replace("RadTan", "KannalaBrandt"),
    "openvslam.yaml": OPENVSLAM_FISHEYE,
    "basalt.json": basalt("kb4", "k1", "k2", "k3", "k4"),
    "basalt_stereo.json": basalt("kb4", "k1", "k2", "k3", "k4", cameras=2),
    "opencv.yaml": OPENCV + "fisheye_model: 1\n",
    "rtabmap.yaml": RTABMAP.replace("plumb_bob", "equidistant"),
}
