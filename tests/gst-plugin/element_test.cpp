/* SPDX-License-Identifier: MIT */
/*
 * The element without a camera: its factory, its states, its one clear error.
 */
#include <gst/gst.h>
#include <gtest/gtest.h>
#include <libcamera/camera_manager.h>

#include "pipeline.h"

namespace cmacam::gst {
namespace {

class ElementTest : public testing::Test
{
protected:
	Pipeline pipeline_{"cmacamsrc name=camera ! fakesink"};
	ElementPtr camera_ = pipeline_.element("camera");
};

TEST_F(ElementTest, PropertiesAreDocumented)
{
	guint count;
	GParamSpec **specs =
		g_object_class_list_properties(G_OBJECT_GET_CLASS(camera_.get()), &count);

	for (guint i = 0; i < count; i++)
		EXPECT_NE(g_param_spec_get_blurb(specs[i]), nullptr) << specs[i]->name;
	g_free(specs);

	g_object_set(camera_.get(), "camera-name", "some camera", "num-buffers", 3, nullptr);
	gchar *name;
	g_object_get(camera_.get(), "camera-name", &name, nullptr);
	EXPECT_STREQ(StringPtr(name).get(), "some camera");
}

TEST_F(ElementTest, ReadyNeedsNoCamera)
{
	for (int i = 0; i < 20; i++) {
		EXPECT_EQ(pipeline_.setState(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
		EXPECT_EQ(pipeline_.setState(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
	}
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(ElementTest, NoCameraIsOneClearError)
{
	EXPECT_EQ(pipeline_.setState(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);

	const Problems errors = pipeline_.problems();
	EXPECT_EQ(errors.count, 1);
	EXPECT_EQ(errors.domain, GST_RESOURCE_ERROR);
	EXPECT_EQ(errors.code, GST_RESOURCE_ERROR_NOT_FOUND);
	EXPECT_EQ(errors.text.find("No camera found: "), 0u) << errors.text;

	EXPECT_EQ(pipeline_.setState(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
}

TEST_F(ElementTest, AnUnknownNameIsRepeatedInTheError)
{
	g_object_set(camera_.get(), "camera-name", "left eye", nullptr);
	EXPECT_EQ(pipeline_.setState(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);

	const Problems errors = pipeline_.problems();
	EXPECT_EQ(errors.code, GST_RESOURCE_ERROR_NOT_FOUND);
	EXPECT_NE(errors.text.find("'left eye'"), std::string::npos) << errors.text;
}

TEST_F(ElementTest, AnotherUserOfLibcameraIsBusyNotAnAbort)
{
	{
		const libcamera::CameraManager foreign;
		EXPECT_EQ(pipeline_.setState(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
	}

	const Problems errors = pipeline_.problems();
	EXPECT_EQ(errors.count, 1);
	EXPECT_EQ(errors.domain, GST_RESOURCE_ERROR);
	EXPECT_EQ(errors.code, GST_RESOURCE_ERROR_BUSY);
}

TEST_F(ElementTest, AUriNamesTheCamera)
{
	GError *error = nullptr;
	const ElementPtr source(gst_element_make_from_uri(
		GST_URI_SRC, "cmacam://platform/sensor.0%20left%20eye", nullptr, &error));
	ASSERT_TRUE(source) << error->message;
	gst_object_ref_sink(source.get());

	gchar *name;
	g_object_get(source.get(), "camera-name", &name, nullptr);
	EXPECT_STREQ(StringPtr(name).get(), "platform/sensor.0 left eye");
	EXPECT_STREQ(StringPtr(gst_uri_handler_get_uri(GST_URI_HANDLER(source.get()))).get(),
		     "cmacam://platform/sensor.0%20left%20eye");

	EXPECT_TRUE(gst_uri_handler_set_uri(GST_URI_HANDLER(source.get()), "cmacam://", nullptr));
	g_object_get(source.get(), "camera-name", &name, nullptr);
	EXPECT_EQ(name, nullptr) << "no name: the first camera";
}

TEST_F(ElementTest, AControlOutOfItsTypeIsRefusedByGObject)
{
	GValue value = G_VALUE_INIT;
	g_value_init(&value, G_TYPE_FLOAT);
	g_value_set_float(&value, 2);
	const GParamSpec *spec =
		g_object_class_find_property(G_OBJECT_GET_CLASS(camera_.get()), "brightness");
	ASSERT_NE(spec, nullptr);
	EXPECT_TRUE(g_param_value_validate(const_cast<GParamSpec *>(spec), &value));
	EXPECT_EQ(g_value_get_float(&value), 1);
	g_value_unset(&value);
}

TEST_F(ElementTest, LatencyIsUnknownBeforeNegotiation)
{
	GstQuery *query = gst_query_new_latency();
	EXPECT_FALSE(gst_element_query(camera_.get(), query));
	gst_query_unref(query);
}

TEST_F(ElementTest, CapsWithoutACameraAreTheTemplate)
{
	GstPad *pad = gst_element_get_static_pad(camera_.get(), "src");
	const CapsPtr caps(gst_pad_query_caps(pad, nullptr));
	const CapsPtr all(gst_pad_get_pad_template_caps(pad));
	gst_object_unref(pad);

	EXPECT_TRUE(gst_caps_is_equal(caps.get(), all.get()));
}

} /* namespace */
} /* namespace cmacam::gst */
